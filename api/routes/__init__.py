"""One file a resource. Every router answers with documents or raises `api.problems.Problem`."""
