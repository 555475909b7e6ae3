"""What fills the screen below the table: description, logs, plan, events, graph, help."""
