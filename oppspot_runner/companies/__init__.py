"""What is known about companies in general: names, domains, countries, industries, criteria,
scores. Pure functions over values and package data; no database and no network."""
