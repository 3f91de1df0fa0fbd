"""What readers ask the store: small tables, each by one function, that page, report and commands share."""
