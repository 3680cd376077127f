"""The launcher: a program that starts the processes of one node inside its container, and what it reads."""
