"""Builds the guests of the sandbox: interpreters in WebAssembly, initialized, and compiled for where they will run."""
