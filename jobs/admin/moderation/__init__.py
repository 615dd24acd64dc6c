"""The pages of moderators: the queue, a case, a person. Services check the permission of each act."""
