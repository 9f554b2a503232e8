from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class DashboardConfig(AppConfig):
    name = "apps.dashboard"


class StaffAdminConfig(AdminConfig):
    default_site = "apps.dashboard.staff.StaffSite"
