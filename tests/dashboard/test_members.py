"""Members: who comes, who goes, and the owner who stays."""

from __future__ import annotations

import pytest

from apps.audit.models import Event
from apps.core.crypto import new_id
from apps.management.members import remove
from apps.management.sign_in import system_environment
from apps.tenants.models import Membership, Operator
from tests.at_once import at_once
from tests.dashboard.company import Role, build, operator
from tests.dashboard.test_changes import post
from tests.dashboard.test_roles import of_tenant

pytestmark = pytest.mark.usefixtures("database")


def test_an_invited_person_is_a_member_who_can_sign_in() -> None:
    company, email = build(), f"{new_id().hex}@example.com"
    body = {"email": email.upper(), "role": "developer"}
    assert post(company, "invite", of_tenant(company), body)[0] == 302
    membership = Membership.objects.get(tenant=company.tenant, operator__email=email)
    assert (membership.role, membership.operator.is_staff) == ("developer", False)
    status, page = post(company, "invite", of_tenant(company), body)
    assert (status, "a member already" in page, 'id="id_email_error"' in page) == (422, True, True)
    known = Event.objects.for_environment(system_environment()).filter(user_id=membership.operator_id)
    assert [event.kind for event in known] == [Event.Kind.MEMBER_INVITED]


def test_somebody_of_another_company_becomes_a_member_of_this_one_too() -> None:
    company, person = build(), build().people["owner"]
    assert post(company, "invite", of_tenant(company), {"email": person.email, "role": "viewer"})[0] == 302
    assert person.memberships.count() == 2


def test_the_last_owner_can_neither_be_removed_nor_demoted() -> None:
    company = build()
    ids = {"membership_id": company.membership("owner").id}
    for name, body in (("remove-member", {}), ("change-role", {"role": "viewer"})):
        status, page = post(company, name, ids, body)
        assert (status, "keeps at least one owner" in page) == (422, True)
    assert company.membership("owner").role == Role.OWNER
    promoted = {"membership_id": company.membership("admin").id}
    assert post(company, "change-role", promoted, {"role": "owner"})[0] == 302
    assert post(company, "change-role", ids, {"role": "viewer"})[0] == 302
    assert company.membership("owner").role == Role.VIEWER


def test_a_deactivated_owner_does_not_count_as_one() -> None:
    company = build()
    sleeping = operator(is_active=False)
    Membership.objects.create(tenant=company.tenant, operator=sleeping, role=Role.OWNER)
    ids = {"membership_id": company.membership("owner").id}
    assert post(company, "remove-member", ids, {})[0] == 422


def test_of_ten_owners_who_remove_each_other_at_once_one_stays() -> None:
    company = build()
    owners = [company.membership("owner")]
    for _ in range(9):
        person = operator()
        owners.append(Membership.objects.create(tenant=company.tenant, operator=person, role=Role.OWNER))

    def leave(number: int) -> bool:
        try:
            remove(owners[number])
        except Exception:
            return False
        return True

    assert sum(at_once(10, leave)) == 9
    assert company.tenant.memberships.filter(role=Role.OWNER).count() == 1


def test_a_removed_member_is_an_operator_still() -> None:
    company = build()
    person = company.people["viewer"]
    ids = {"membership_id": company.membership("viewer").id}
    assert post(company, "remove-member", ids, {})[0] == 302
    assert Operator.objects.filter(id=person.id, is_active=True).exists()
    kinds = Event.objects.for_environment(system_environment()).filter(user_id=person.id).values_list("kind", flat=True)
    assert list(kinds) == [Event.Kind.MEMBER_REMOVED]
