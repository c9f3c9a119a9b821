"""What the API does, without knowing that it is HTTP: each service checks, then calls the repositories."""
