"""API keys: how one is found, when its use is noted, and when it ends for want of use."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.forms import model_to_dict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.audit.models import Event
from apps.core.errors import InvalidToken
from apps.passwordless.tasks import revoke_unused_keys
from apps.tenants.models import Address, Environment, Project
from apps.tokens.api_keys import ApiKey, Scope
from apps.users.models import EndUser, Identifier
from config.celery import beat
from tests.world import World, build

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)


def addresses(world: World) -> list[Address]:
    environment = world.environment
    return [
        Address(environment_id=environment.id),
        Address(project_id=environment.project_id, name=environment.name),
    ]


def mint(world: World, **facts: Any) -> tuple[ApiKey, str]:
    return ApiKey.objects.mint(world.environment, name="Test", scopes=[Scope.INTROSPECT], **facts)


def presented(world: World, secret: str, scope: str = Scope.INTROSPECT, ip: str = "") -> ApiKey:
    return ApiKey.objects.presented(secret, addresses(world)[0], scope, ip)


def unused_for(key: ApiKey, age: timedelta, *, used: timedelta | None = None) -> None:
    now = timezone.now()
    ApiKey.objects.filter(id=key.id).update(created_at=now - age, last_used_at=now - used if used is not None else None)


def is_revoked(key: ApiKey) -> bool:
    key.refresh_from_db()
    return key.revoked_at is not None


def types(row: Any) -> dict[str, type]:
    beside = ("_", "owner_", "snapshot")
    return {name: type(value) for name, value in vars(row).items() if not name.startswith(beside)}


class TestPresented:
    def test_it_comes_as_the_orm_would_bring_it(self) -> None:
        """The statement is written by hand: of a key it has what callers read, of the others each column there is."""
        world = build(sms_countries=["DE", "FR"], sms_domain="shop.example.com")
        user = EndUser.objects.create(environment=world.environment)
        key, secret = mint(world, user_id=user.id, site_url="https://blog.example.com")
        for address in addresses(world):
            found = ApiKey.objects.presented(secret, address, Scope.INTROSPECT)
            with CaptureQueriesContext(connection) as captured:
                project = found.environment.project
            assert captured.captured_queries == []
            found.refresh_from_db(fields=["last_used_at", "last_used_ip"])
            pairs: list[tuple[Any, Any]] = [
                (found, ApiKey.objects.get(id=key.id)),
                (found.environment, Environment.objects.get(id=world.environment.id)),
                (project, Project.objects.get(id=world.environment.project_id)),
            ]
            for ours, orms in pairs:
                # Of a key, only what a caller needs is read.
                assert types(ours).items() <= types(orms).items() if ours is found else types(ours) == types(orms)
                assert model_to_dict(ours) == model_to_dict(orms)
            assert project.data_key == world.environment.project.data_key

    def test_it_knows_its_owners_address(self) -> None:
        world = build()
        user = EndUser.objects.create(environment=world.environment)
        _key, secret = mint(world, user_id=user.id)
        assert presented(world, secret).owner_email is None
        facts = {"environment": world.environment, "user": user, "kind": "email"}
        Identifier.objects.create(value="ada@example.com", **facts)
        found = presented(world, secret)
        assert (found.owner_email, found.owner_email_verified) == ("ada@example.com", False)
        Identifier.objects.filter(user=user).update(verified_at=timezone.now())
        Identifier.objects.create(value="later@example.com", **facts)
        found = presented(world, secret)
        assert (found.owner_email, found.owner_email_verified) == ("ada@example.com", True)

    def test_it_costs_one_statement_and_at_first_one_for_the_environment_and_one_for_its_use(self) -> None:
        world = build()
        key, secret = mint(world)
        costs = []
        for _ in range(3):
            with CaptureQueriesContext(connection) as captured:
                presented(world, secret, ip="192.0.2.7")
            costs.append(len(captured.captured_queries))
        assert costs == [3, 1, 1]
        key.refresh_from_db()
        assert key.last_used_ip == "192.0.2.7"
        first_use = key.last_used_at
        assert first_use is not None
        ApiKey.objects.filter(id=key.id).update(last_used_at=first_use - timedelta(seconds=61))
        presented(world, secret, ip="")
        key.refresh_from_db()
        assert key.last_used_at is not None
        assert key.last_used_at >= first_use

    def test_whatever_opens_nothing_is_refused_in_one_way(self) -> None:
        world, neighbour = build(), build()
        user = EndUser.objects.create(environment=world.environment, disabled_at=timezone.now())
        secrets = [
            mint(world, revoked_at=timezone.now())[1],
            mint(world, expires_at=timezone.now())[1],
            mint(world, user_id=user.id)[1],
            mint(neighbour)[1],
            world.messages_key,
        ]
        for secret in secrets:
            with pytest.raises(InvalidToken) as refusal:
                presented(world, secret)
            assert refusal.value.message == InvalidToken.message

    @pytest.mark.parametrize("secret", ["", "junk", "sp_test_" + "x" * 38, "é" * 46, "x" * 100_000])
    def test_junk_costs_no_statement(self, secret: str) -> None:
        world = build()
        with CaptureQueriesContext(connection) as captured, pytest.raises(InvalidToken):
            presented(world, secret)
        assert captured.captured_queries == []

    def test_a_key_of_somebody_else_entirely_costs_two_and_notes_nothing(self) -> None:
        world, neighbour = build(), build()
        key, secret = mint(neighbour)
        with CaptureQueriesContext(connection) as captured, pytest.raises(InvalidToken):
            presented(world, secret)
        assert len(captured.captured_queries) == 2
        key.refresh_from_db()
        assert key.last_used_at is None


class TestUnused:
    def test_a_key_unused_for_ninety_days_is_revoked_and_recorded(self) -> None:
        world = build()
        user = EndUser.objects.create(environment=world.environment)
        key, secret = mint(world, user_id=user.id)
        unused_for(key, 90 * DAY + timedelta(minutes=1))
        revoke_unused_keys()
        assert is_revoked(key)
        with pytest.raises(InvalidToken):
            presented(world, secret)
        event = Event.objects.for_environment(world.environment).get(kind=Event.Kind.API_KEY_REVOKED)
        assert (event.user_id, event.client_id) == (user.id, key.client_id)
        assert event.facts == {"key": str(key.id), "reason": "unused"}

    @pytest.mark.parametrize(
        ("age", "used"), [(89 * DAY, None), (400 * DAY, 89 * DAY), (400 * DAY, timedelta(0))], ids=str
    )
    def test_one_that_is_new_or_in_use_is_left_alone(self, age: timedelta, used: timedelta | None) -> None:
        key, _secret = mint(build())
        unused_for(key, age, used=used)
        revoke_unused_keys()
        assert not is_revoked(key)

    def test_a_last_use_too_long_ago_counts_as_none(self) -> None:
        key, _secret = mint(build())
        unused_for(key, 400 * DAY, used=91 * DAY)
        revoke_unused_keys()
        assert is_revoked(key)

    def test_each_environment_has_its_own_patience(self) -> None:
        keys = [mint(build(api_key_idle_ttl=ttl))[0] for ttl in (86_400, 10 * 86_400, None)]
        for key in keys:
            unused_for(key, 5 * DAY)
        revoke_unused_keys()
        assert [is_revoked(key) for key in keys] == [True, False, False]

    def test_a_second_run_and_a_key_that_had_ended_record_nothing(self) -> None:
        world = build()
        unused_for(mint(world)[0], 91 * DAY)
        unused_for(mint(world, revoked_at=timezone.now())[0], 91 * DAY)
        revoke_unused_keys()
        revoke_unused_keys()
        events = Event.objects.for_environment(world.environment).filter(kind=Event.Kind.API_KEY_REVOKED)
        assert events.count() == 1

    def test_the_task_is_on_the_timetable(self) -> None:
        assert "passwordless.revoke_unused_keys" in {entry["task"] for entry in beat.conf.beat_schedule.values()}
