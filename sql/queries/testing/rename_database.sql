-- Last of all steps that make it: who finds it under its name finds it whole.
ALTER DATABASE {name} RENAME TO {to}
