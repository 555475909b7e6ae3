"""One program: started, handed its sockets and files, stopped."""
