"""Moderation: flags, reports, cases, decisions and appeals. Models in jobs/models/, pages in jobs/admin/."""
