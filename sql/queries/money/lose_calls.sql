-- Ends calls that dead attempts left open.
SELECT lose_model_calls() AS lost
