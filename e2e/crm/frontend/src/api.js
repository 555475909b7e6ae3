const base = import.meta.env.VITE_API_BASE_URL ?? '/api';

async function ask(path, options) {
  const response = await fetch(`${base}/${path}`, { cache: 'no-store', ...options });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${response.statusText}`);
  return response.json();
}

export async function look() {
  const [state, customers] = await Promise.all([ask('state'), ask('customers')]);
  return { state, customers };
}

export function add(customer) {
  const headers = { 'Content-Type': 'application/json' };
  return ask('customers', { method: 'POST', headers, body: JSON.stringify(customer) });
}
