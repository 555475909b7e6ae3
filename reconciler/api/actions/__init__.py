"""What people ask of the controller: each action answers with what it did, and the edit it made."""
