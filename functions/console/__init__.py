"""The console: what people see of Mainspring."""
