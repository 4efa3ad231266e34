"""What shared state is in PostgreSQL: three tables, and the functions that take each step on the server.

Counters lie in one table, whatever their kind, as a list of numbers: millionths of tokens and when (bucket), the times of what was counted
(window), day and count (day). Times are microseconds since 1970. It is not written to the log of the server (UNLOGGED): after a crash
counters begin anew. Values have a row each and one for each of their pieces, and are as durable as the database.
"""

from __future__ import annotations

from typing import Final

__all__ = ["COUNT", "CREATE", "DROP", "IDLE", "KEEP", "LOAD", "READY", "SWEEP", "TAKE"]

# Changed functions get another number, so that replicas of two versions of this package can share a database.
_V = "v1"
_NOW = "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
# Of the replicas that find no tables one makes them; of those that sweep one does. "guard" in bytes.
_LOCK = 0x6775617264

_TABLES = f"""
select pg_advisory_xact_lock({_LOCK});
create unlogged table if not exists guardrails_counters (
  name text collate "C" primary key, kept bigint[] not null, ends bigint not null) with (fillfactor = 50);
create table if not exists guardrails_values (
  grp text collate "C" not null, name text collate "C" not null, version integer not null, used bigint not null, ends bigint not null,
  primary key (grp, name));
create index if not exists guardrails_values_used on guardrails_values (grp, used);
create index if not exists guardrails_values_ends on guardrails_values (ends);
create table if not exists guardrails_chunks (
  grp text collate "C" not null, name text collate "C" not null, number integer not null, chunk bytea not null,
  primary key (grp, name, number), foreign key (grp, name) references guardrails_values on delete cascade);
"""

# The arithmetic of guardrails.stores.memory. Each counter is locked, in one order for all who ask, before it is looked at: each statement of the
# function sees what was committed until then. ``clock``: null for the server's.
_TAKE = f"""
create or replace function guardrails_take_{_V}(asks json, clock bigint) returns table (refused integer, wait bigint)
language plpgsql as $$
declare
  one record;
  held bigint[];
  writes guardrails_counters[] := '{{}}';
  at bigint;
  today bigint;
  before bigint;
  tokens float8;
  counted integer;
begin
  for one in select distinct hashtextextended(a.value->>0, {_LOCK}) as key from json_array_elements(asks) a order by 1 loop
    perform pg_advisory_xact_lock(one.key);
  end loop;
  at := coalesce(clock, {_NOW});
  for one in
    select (a.ordinality - 1)::integer as number, a.value->>0 as name, a.value->>1 as kind, (a.value->>2)::bigint as most,
      (a.value->>3)::float8 as rate, (a.value->>4)::bigint as span, (a.value->>5)::integer as amount
    from json_array_elements(asks) with ordinality a order by a.ordinality
  loop
    held := (select c.kept from guardrails_counters c where c.name = one.name);
    if one.kind = 'bucket' then
      tokens := coalesce(held[1], one.most * 1000000);
      before := coalesce(held[2], at);
      if before > at then -- the server's clock was set back: what flows in flows from now on
        before := at;
        update guardrails_counters c set kept = array[held[1], at] where c.name = one.name;
      end if;
      tokens := least(one.most * 1000000::float8, tokens + floor((at - before)::float8 * one.rate));
      if tokens < 1000000 - one.rate - 1 then
        refused := one.number;
        wait := greatest(1, ceil((1000000 - tokens) / one.rate / 1000000));
        return next;
        return;
      end if;
      writes := writes || row(one.name, array[(tokens - 1000000)::bigint, at],
        at + least(one.most / one.rate * 1000000, 1e17)::bigint)::guardrails_counters;
    elsif one.kind = 'window' then
      held := array(select t from unnest(held) t where t > at - one.span order by t);
      counted := cardinality(held);
      if counted + one.amount > one.most then
        refused := one.number;
        wait := greatest(1, ceil((held[(counted + one.amount - one.most)::integer] + one.span - at) / 1000000::float8));
        return next;
        return;
      end if;
      writes := writes || row(one.name, held || array_fill(at, array[one.amount]), at + one.span)::guardrails_counters;
    else
      today := at / 86400000000;
      if held is null or today > held[1] then
        held := array[today, 0];
      end if;
      if one.most > 0 and held[2] >= one.most then
        refused := one.number;
        wait := greatest(1, (held[1] + 1 - today) * 86400 - at / 1000000 % 86400);
        return next;
        return;
      end if;
      if one.amount > 0 then
        writes := writes || row(one.name, array[held[1], held[2] + one.amount], (held[1] + 2) * 86400000000)::guardrails_counters;
      end if;
    end if;
  end loop;
  insert into guardrails_counters select w.name, w.kept, w.ends from unnest(writes) w
    on conflict (name) do update set kept = excluded.kept, ends = excluded.ends;
end $$;
"""  # noqa: S608 - names of ours

# Of two writers that know the same version the second waits for the first, and then finds another one. Values that are being written are
# none of the oldest: who makes room does not wait for them.
_KEEP = f"""
create or replace function guardrails_keep_{_V}(
  of_group text, named text, piece bytea, known integer, life bigint, behind boolean, most integer, clock bigint) returns boolean
language plpgsql as $$
declare
  at bigint := coalesce(clock, {_NOW});
begin
  if known = 0 then
    delete from guardrails_values v where v.grp = of_group and v.name = named and v.ends <= at;
    insert into guardrails_values values (of_group, named, 1, at, at + life) on conflict do nothing;
  else
    update guardrails_values v set version = known + 1, used = at, ends = at + life
      where v.grp = of_group and v.name = named and v.version = known and v.ends > at;
  end if;
  if not found then
    return false;
  end if;
  if not behind then
    delete from guardrails_chunks c where c.grp = of_group and c.name = named;
  end if;
  insert into guardrails_chunks values (of_group, named, known + 1, piece);
  if most > 0 then
    delete from guardrails_values where ctid = any(array(
      select v.ctid from guardrails_values v where v.grp = of_group and v.name in (
        select o.name from guardrails_values o where o.grp = of_group order by o.used desc, o.name = named desc offset most)
      for update skip locked));
  end if;
  return true;
end $$;
"""  # noqa: S608 - as above

_SWEEP = f"""
create or replace function guardrails_sweep_{_V}(clock bigint) returns void language plpgsql as $$
declare
  at bigint := coalesce(clock, {_NOW});
begin
  if pg_try_advisory_xact_lock({_LOCK}) then
    delete from guardrails_counters where ctid = any(array(
      select c.ctid from guardrails_counters c where c.ends <= at limit 10000 for update skip locked));
    delete from guardrails_values where ctid = any(array(
      select v.ctid from guardrails_values v where v.ends <= at limit 10000 for update skip locked));
  end if;
end $$;
"""  # noqa: S608 - as above

CREATE: Final = _TABLES + _TAKE + _KEEP + _SWEEP

# Of each connection, once: a call that its caller has given up ends on the server too. Says whether there is anything yet.
READY: Final = f"""
select to_regprocedure('guardrails_sweep_{_V}(bigint)') is not null, set_config('statement_timeout', $1, false),
  set_config('default_transaction_isolation', 'read committed', false), set_config('client_min_messages', 'error', false)"""
TAKE: Final = f"select refused, wait from guardrails_take_{_V}($1, $2)"  # noqa: S608 - names of ours
KEEP: Final = f"select guardrails_keep_{_V}($1, $2, $3, $4, $5, $6, $7, $8)"
SWEEP: Final = f"select guardrails_sweep_{_V}($1)"
LOAD: Final = f"""
select v.version, encode(c.chunk, 'hex') from guardrails_values v
  left join guardrails_chunks c on c.grp = v.grp and c.name = v.name and c.number > $3
where v.grp = $1 and v.name = $2 and v.ends > coalesce($4, {_NOW}) order by c.number"""  # noqa: S608 - as above
DROP: Final = f"""
delete from guardrails_values
where grp = $1 and name = $2 and version = coalesce($3, version) and ends > coalesce($4, {_NOW}) returning 1"""  # noqa: S608 - as above
IDLE: Final = f"""
select name from guardrails_values where grp = $1 and used <= coalesce($3, {_NOW}) - $2 and ends > coalesce($3, {_NOW}) order by used"""  # noqa: S608 - as above
COUNT: Final = f"""
select count(*) from guardrails_values where grp = $1 and starts_with(name, $2) and ends > coalesce($3, {_NOW})"""  # noqa: S608 - as above
