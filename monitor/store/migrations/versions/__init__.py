"""One file for each step of the schema, numbered; a step that was released is never changed."""
