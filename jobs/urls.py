"""The URLs of the jobs app."""

from django.urls import path

from jobs.views import decisions, events, files, jobs, pictures, selected, shared, shares, tags, uploads
from jobs.webhooks import views

app_name = "jobs"

urlpatterns = [
    path("", jobs.studio, name="studio"),
    path("jobs/", jobs.jobs, name="jobs"),
    path("jobs/<uuid:job_id>/", jobs.job, name="job"),
    path("jobs/<uuid:job_id>/cards/", jobs.cards, name="cards"),
    path("jobs/<uuid:job_id>/events/", events.job_events, name="events"),
    path("jobs/<uuid:job_id>/results.zip", files.results_zip, name="zip"),
    path("jobs/<uuid:job_id>/retry/", jobs.retry_failed, name="retry"),
    path("jobs/deleted/", jobs.deleted, name="deleted"),
    path("jobs/<uuid:job_id>/pin/", jobs.pin, name="pin"),
    path("jobs/<uuid:job_id>/again/", jobs.again, name="again"),
    path("jobs/<uuid:job_id>/cancel/", jobs.cancel, name="cancel"),
    path("jobs/<uuid:job_id>/delete/", jobs.delete, name="delete"),
    path("jobs/<uuid:job_id>/tags/", tags.add, name="tag"),
    path("jobs/<uuid:job_id>/tags/remove/", tags.remove, name="untag"),
    path("jobs/<uuid:job_id>/share/", shares.create, name="share_create"),
    path("account/shares/", shares.listing, name="shares"),
    path("account/shares/revoke/", shares.revoke_all, name="shares_revoke"),
    path("account/shares/<uuid:share_id>/revoke/", shares.revoke, name="share_revoke"),
    path("s/<slug:token>/", shared.gallery, name="shared"),
    path("s/<slug:token>/all.zip", shared.archive, name="shared_zip"),
    path("s/<slug:token>/report/", shared.report, name="shared_report"),
    path("s/<slug:token>/<uuid:picture_id>/", shared.picture, name="shared_picture"),
    path("s/<slug:token>/<uuid:picture_id>/preview/", shared.preview, name="shared_preview"),
    path("s/<slug:token>/<uuid:picture_id>/file/", shared.file, name="shared_file"),
    path("jobs/selected/download/", selected.download, name="selected_download"),
    path("jobs/selected/retry/", selected.retry_failed, name="selected_retry"),
    path("jobs/selected/pin/", selected.pin, name="selected_pin"),
    path("jobs/selected/delete/", selected.delete, name="selected_delete"),
    path("pictures/<uuid:picture_id>/delete/", pictures.delete, name="picture_delete"),
    path("pictures/<uuid:picture_id>/result/", files.result, name="result"),
    path("pictures/<uuid:picture_id>/preview/", files.preview, name="preview"),
    path("pictures/<uuid:picture_id>/thumb/", files.thumb, name="thumb"),
    path("pictures/<uuid:picture_id>/source/", files.source, name="source"),
    path("account/decisions/", decisions.decisions, name="decisions"),
    path("account/decisions/<str:key>/", decisions.decision, name="decision"),
    path("account/webhooks/", views.listing, name="webhooks"),
    path("account/webhooks/<uuid:endpoint_id>/", views.webhook, name="webhook"),
    path("account/webhooks/<uuid:endpoint_id>/rotate/", views.rotate, name="webhook_rotate"),
    path("account/webhooks/<uuid:endpoint_id>/switch/", views.switch, name="webhook_switch"),
    path("account/webhooks/<uuid:endpoint_id>/test/", views.test, name="webhook_test"),
    path("account/webhooks/<uuid:endpoint_id>/replay/", views.replay, name="webhook_replay"),
    path("account/webhooks/<uuid:endpoint_id>/delete/", views.delete, name="webhook_delete"),
    path("uploads/", uploads.start, name="upload_start"),
    path("uploads/discard/", uploads.discard, name="upload_discard"),
    path("uploads/<uuid:upload_id>/body/", uploads.body, name="upload_body"),
    path("uploads/<uuid:upload_id>/finish/", uploads.finish, name="upload_finish"),
]
