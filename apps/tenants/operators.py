"""The people who run things: `AUTH_USER_MODEL` and what they may do in a tenant."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from apps.core.crypto import new_id
from apps.core.identifiers import canonical_email


class OperatorManager(BaseUserManager["Operator"]):
    def create_operator(self, email: str, *, is_staff: bool = False) -> "Operator":
        return self.create(email=canonical_email(email), is_staff=is_staff)

    def get_by_natural_key(self, username: str | None) -> "Operator":
        return self.get(email=canonical_email(username))


class Operator(AbstractBaseUser):
    """A person who signs in to the dashboard. There is no password to store: operators sign in as their users do."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    password = None  # type: ignore[assignment]  # Django's documented way to drop an inherited column.
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="Runs the service: may see every tenant.")
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects = OperatorManager()

    def __str__(self) -> str:
        return self.email

    # What Django's admin asks. Staff may do there what it offers at all; what others may do is a matter of Membership.
    def has_perm(self, _permission: str, _row: object = None) -> bool:
        return self.is_active and self.is_staff

    def has_module_perms(self, _app: str) -> bool:
        return self.is_active and self.is_staff

    def has_usable_password(self) -> bool:
        return False


class Membership(models.Model):
    class Role(models.TextChoices):
        OWNER = "owner"
        ADMIN = "admin"
        DEVELOPER = "developer"
        VIEWER = "viewer"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="memberships")
    operator = models.ForeignKey(Operator, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["tenant", "operator"], name="one_role_per_tenant"),)

    def __str__(self) -> str:
        return f"{self.operator} is {self.role} of {self.tenant}"
