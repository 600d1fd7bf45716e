-- Who asks in this transaction, and the role that policies hold to the rows of his organisation.
SELECT set_config('oppspot.token', %(token)s, true), set_config('role', %(role)s, true)
