"""What runs the code of users and models in the sandbox: the interpreter's side of it.

It is packed for the sandbox alone, and knows nothing of the client or of the extension.
"""
