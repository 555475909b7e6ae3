import { useEffect, useState } from 'react';
import { add, look } from './api.js';

const PERIOD_MS = 200;

/** What the API says now; how often it was asked, and how often that failed, since the page is open. */
function useApi() {
  const [seen, setSeen] = useState({ state: null, customers: [], looks: 0, failures: 0, error: '' });
  useEffect(() => {
    let timer;
    let left = false;
    const again = async () => {
      const found = await look().then(
        (all) => ({ ...all, error: '' }),
        (error) => ({ error: error.message }),
      );
      if (left) return;
      setSeen((before) => ({
        ...before,
        ...found,
        looks: before.looks + 1,
        failures: before.failures + (found.error ? 1 : 0),
      }));
      timer = setTimeout(again, PERIOD_MS);
    };
    again();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, []);
  return seen;
}

function AddCustomer() {
  const submit = async (event) => {
    event.preventDefault();
    const form = event.target;
    await add(Object.fromEntries(new FormData(form)));
    form.reset();
  };
  return (
    <form onSubmit={submit}>
      <input name="name" placeholder="Name" required />
      <input name="city" placeholder="City" required />
      <button>Add</button>
    </form>
  );
}

export function App() {
  const { state, customers, looks, failures, error } = useApi();
  return (
    <main>
      <h1>Customers</h1>
      {error && <p role="alert">The API does not answer: {error}</p>}
      <table>
        <tbody>
          {customers.map(({ name, city }, row) => (
            <tr key={row}>
              <td>{name}</td>
              <td>{city}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <AddCustomer />
      <footer>
        API <b id="version">{state?.version}</b> <b id="release">{state?.release}</b> · looked{' '}
        <span id="looks">{looks}</span> times, <span id="failures">{failures}</span> failed
      </footer>
    </main>
  );
}
