"""Documents as text for people: tables, sentences, colours."""
