"""Raw records to typed frames, one module per dataset."""
