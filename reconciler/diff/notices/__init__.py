"""From events to messages: who is notified of what, and when. Pure."""
