"""The addresses of the dashboard. tests/dashboard/test_roles.py has a case for each."""

from django.urls import path

from apps.dashboard.views import (
    api_keys,
    environments,
    keys,
    members,
    messages,
    oauth_clients,
    sending,
    sign_in,
    tenants,
)

app_name = "dashboard"
ENVIRONMENT = "environments/<uuid:environment_id>/"
KEY = f"{ENVIRONMENT}keys/<uuid:key_id>/"
API_KEY = f"{ENVIRONMENT}api-keys/<uuid:key_id>/"
CLIENT = f"{ENVIRONMENT}oauth-clients/<uuid:client_id>/"
SENDING = f"{ENVIRONMENT}sending/"

urlpatterns = [
    path("", tenants.Home.as_view(), name="home"),
    path("sign-in/", sign_in.SignIn.as_view(), name="sign-in"),
    path("sign-in/code/", sign_in.Code.as_view(), name="code"),
    path("sign-in/resend/", sign_in.Resend.as_view(), name="resend"),
    path("sign-in/link", sign_in.FollowLink.as_view(), name="link"),
    path("sign-out/", sign_in.SignOut.as_view(), name="sign-out"),
    path("companies/<uuid:tenant_id>/", tenants.TenantHome.as_view(), name="tenant"),
    path("companies/<uuid:tenant_id>/projects/new/", tenants.NewProject.as_view(), name="new-project"),
    path("companies/<uuid:tenant_id>/members/", members.Members.as_view(), name="members"),
    path("companies/<uuid:tenant_id>/members/add/", members.Invite.as_view(), name="invite"),
    path("members/<uuid:membership_id>/role/", members.ChangeRole.as_view(), name="change-role"),
    path("members/<uuid:membership_id>/remove/", members.Remove.as_view(), name="remove-member"),
    path("projects/<uuid:project_id>/environments/new/", tenants.NewEnvironment.as_view(), name="new-environment"),
    path(ENVIRONMENT, environments.Overview.as_view(), name="environment"),
    path(f"{ENVIRONMENT}policy/", environments.Policy.as_view(), name="policy"),
    path(f"{ENVIRONMENT}keys/", keys.Keys.as_view(), name="keys"),
    path(f"{ENVIRONMENT}keys/new/", keys.NewKeyPage.as_view(), name="new-key"),
    path(f"{KEY}rotate/", keys.RotateKey.as_view(), name="rotate-key"),
    path(f"{KEY}revoke/", keys.RevokeKey.as_view(), name="revoke-key"),
    path(f"{ENVIRONMENT}api-keys/", api_keys.ApiKeys.as_view(), name="api-keys"),
    path(f"{ENVIRONMENT}api-keys/people/", api_keys.PersonalKeys.as_view(), name="personal-keys"),
    path(f"{ENVIRONMENT}api-keys/new/", api_keys.NewApiKeyPage.as_view(), name="new-api-key"),
    path(f"{API_KEY}rotate/", api_keys.RotateApiKey.as_view(), name="rotate-api-key"),
    path(f"{API_KEY}revoke/", api_keys.RevokeApiKey.as_view(), name="revoke-api-key"),
    path(f"{ENVIRONMENT}oauth-clients/", oauth_clients.Clients.as_view(), name="oauth-clients"),
    path(f"{ENVIRONMENT}oauth-clients/new/", oauth_clients.NewClient.as_view(), name="new-oauth-client"),
    path(f"{CLIENT}change/", oauth_clients.ChangeClient.as_view(), name="change-oauth-client"),
    path(f"{CLIENT}rotate/", oauth_clients.RotateSecret.as_view(), name="rotate-oauth-client"),
    path(f"{CLIENT}revoke/", oauth_clients.RevokeClient.as_view(), name="revoke-oauth-client"),
    path(SENDING, sending.Sending.as_view(), name="sending"),
    path(f"{SENDING}mail/", sending.MailServer.as_view(), name="mail-server"),
    path(f"{SENDING}mail/remove/", sending.RemoveMailServer.as_view(), name="remove-mail-server"),
    path(f"{SENDING}twilio/", sending.Twilio.as_view(), name="twilio"),
    path(f"{SENDING}gateway/", sending.Gateway.as_view(), name="sms-gateway"),
    path(f"{SENDING}sms/remove/", sending.RemoveSmsProvider.as_view(), name="remove-sms-provider"),
    path(f"{SENDING}test/", sending.TestMessage.as_view(), name="test-message"),
    path(f"{ENVIRONMENT}captured/", messages.CapturedList.as_view(), name="captured"),
    path(f"{ENVIRONMENT}captured/<uuid:message_id>/", messages.CapturedDetail.as_view(), name="captured-message"),
    path(f"{ENVIRONMENT}deliveries/", messages.Deliveries.as_view(), name="deliveries"),
]
