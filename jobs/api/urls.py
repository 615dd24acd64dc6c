"""The URLs of the REST API. docs/api and the schema use the same names."""

from django.urls import path

from jobs.api.endpoints import (
    account,
    feedback,
    job,
    jobs,
    pictures,
    presets,
    renditions,
    shares,
    tokens,
    uploads,
    webhooks,
)
from jobs.api.long_polling import conditional, long_poll

app_name = "api"

urlpatterns = [
    path("uploads/", uploads.UploadsView.as_view(), name="uploads"),
    path("uploads/<uuid:upload_id>/", conditional(uploads.UploadView.as_view()), name="upload"),
    path("uploads/<uuid:upload_id>/body/", uploads.UploadBodyView.as_view(), name="upload-body"),
    path("uploads/<uuid:upload_id>/finish/", uploads.UploadFinishView.as_view(), name="upload-finish"),
    path("jobs/", long_poll(jobs.JobsView.as_view()), name="jobs"),
    path("jobs/<uuid:job_id>/", long_poll(job.JobView.as_view()), name="job"),
    path("jobs/<uuid:job_id>/cancel/", job.CancelView.as_view(), name="job-cancel"),
    path("jobs/<uuid:job_id>/retry/", long_poll(job.RetryView.as_view()), name="job-retry"),
    path("jobs/<uuid:job_id>/again/", long_poll(job.AgainView.as_view()), name="job-again"),
    path("jobs/<uuid:job_id>/results.zip", job.ResultsView.as_view(), name="job-results"),
    path(
        "jobs/<uuid:job_id>/pictures/",
        conditional(pictures.JobPicturesView.as_view()),
        name="job-pictures",
    ),
    path("pictures/<uuid:picture_id>/", conditional(pictures.PictureView.as_view()), name="picture"),
    path("pictures/<uuid:picture_id>/result/", pictures.ResultView.as_view(), name="picture-result"),
    path("pictures/<uuid:picture_id>/preview/", pictures.PreviewView.as_view(), name="picture-preview"),
    path("pictures/<uuid:picture_id>/thumb/", pictures.ThumbView.as_view(), name="picture-thumb"),
    path("pictures/<uuid:picture_id>/source/", pictures.SourceView.as_view(), name="picture-source"),
    path(
        "pictures/<uuid:picture_id>/renditions/",
        long_poll(renditions.PictureRenditionsView.as_view()),
        name="picture-renditions",
    ),
    path(
        "pictures/<uuid:picture_id>/mattes/",
        long_poll(renditions.PictureMattesView.as_view()),
        name="picture-mattes",
    ),
    path(
        "pictures/<uuid:picture_id>/feedback/",
        conditional(feedback.FeedbackView.as_view()),
        name="picture-feedback",
    ),
    path("renditions/<uuid:rendition_id>/", long_poll(renditions.RenditionView.as_view()), name="rendition"),
    path(
        "renditions/<uuid:rendition_id>/file/",
        renditions.RenditionFileView.as_view(),
        name="rendition-file",
    ),
    path("mattes/<uuid:matte_id>/file/", renditions.MatteFileView.as_view(), name="matte-file"),
    path("presets/", conditional(presets.PresetsView.as_view()), name="presets"),
    path("presets/<slug:name>/", conditional(presets.PresetView.as_view()), name="preset"),
    path("shares/", shares.SharesView.as_view(), name="shares"),
    path("shares/revoke/", shares.SharesRevokeView.as_view(), name="shares-revoke"),
    path("shares/<uuid:share_id>/", conditional(shares.ShareView.as_view()), name="share"),
    path("account/", conditional(account.AccountView.as_view()), name="account"),
    path("usage/", conditional(account.UsageView.as_view()), name="usage"),
    path("usage/ledger/", conditional(account.LedgerView.as_view()), name="ledger"),
    path("tokens/", conditional(tokens.TokensView.as_view()), name="tokens"),
    path("tokens/<int:token_id>/", conditional(tokens.TokenView.as_view()), name="token"),
    path("tokens/<int:token_id>/rotate/", tokens.TokenRotateView.as_view(), name="token-rotate"),
    path("webhooks/", conditional(webhooks.WebhooksView.as_view()), name="webhooks"),
    path("webhooks/<uuid:webhook_id>/", conditional(webhooks.WebhookView.as_view()), name="webhook"),
    path("webhooks/<uuid:webhook_id>/rotate/", webhooks.WebhookRotateView.as_view(), name="webhook-rotate"),
    path("webhooks/<uuid:webhook_id>/test/", webhooks.WebhookTestView.as_view(), name="webhook-test"),
    path(
        "webhooks/<uuid:webhook_id>/deliveries/",
        webhooks.DeliveriesView.as_view(),
        name="webhook-deliveries",
    ),
    path(
        "deliveries/<uuid:delivery_id>/replay/",
        webhooks.DeliveryReplayView.as_view(),
        name="delivery-replay",
    ),
]
