/**
 * The one statement that writes. It takes a batch of calls as JSON, carries them out in their order, and returns
 * one number for each (what the numbers mean is in calls.ts).
 *
 * - One statement is one transaction: the server never waits for a client in the middle of it, so a client
 *   that hangs or dies holds no lock, and its batch happened whole or not at all.
 * - It is durable whatever the server's default says; a stronger default, such as remote_apply, stays.
 * - The row in `ledger` is locked first. Batches therefore follow one another, whichever instance they come
 *   from: nothing deadlocks, what was looked up is still true when it is acted upon, and positions of history
 *   become visible in their order, so that nobody who reads along misses one.
 */
export const PERFORM = `
CREATE FUNCTION lockstep.perform(calls jsonb) RETURNS SETOF bigint
LANGUAGE plpgsql SET search_path = lockstep, pg_catalog, pg_temp AS $$
DECLARE
  call jsonb;
  book ledger%ROWTYPE;
  stored rep%ROWTYPE;
  known boolean;
  expected bigint;
  changed bigint;
BEGIN
  IF current_setting('synchronous_commit') IN ('off', 'local') THEN
    PERFORM set_config('synchronous_commit', 'on', true);
  END IF;
  SELECT * INTO STRICT book FROM ledger FOR UPDATE;
  changed := book.position;
  FOR call IN SELECT value FROM jsonb_array_elements(calls) LOOP
    CASE call->>'call'
    WHEN 'commit' THEN
      IF call->>'lease' IS NOT NULL AND NOT EXISTS (
        SELECT FROM lease WHERE name = call->>'lease' AND fence = (call->>'fence')::bigint
      ) THEN
        RETURN NEXT -2;
        CONTINUE;
      END IF;
      SELECT * INTO stored FROM rep r WHERE r.rep = call->>'rep';
      known := FOUND;
      expected := (call->>'expected')::bigint;
      IF expected <> (CASE WHEN known THEN stored.generation ELSE 0 END) THEN
        RETURN NEXT 0;
        CONTINUE;
      END IF;
      IF NOT known OR stored.teams_user_id <> call->>'teams' OR stored.system_user_id <> call->>'system' THEN
        IF EXISTS (SELECT FROM rep r WHERE r.rep <> call->>'rep' AND r.teams_user_id = call->>'teams')
        OR EXISTS (SELECT FROM rep r WHERE r.rep <> call->>'rep' AND r.system_user_id = call->>'system') THEN
          RETURN NEXT -1;
          CONTINUE;
        END IF;
      END IF;
      IF known THEN
        expected := expected + 1;
        UPDATE rep r SET teams_user_id = call->>'teams', system_user_id = call->>'system',
          generation = expected, document = call->>'document' WHERE r.rep = call->>'rep';
      ELSE
        expected := book.floor + 1;
        INSERT INTO rep VALUES (call->>'rep', call->>'teams', call->>'system', expected, call->>'document');
      END IF;
      INSERT INTO history (position, rep, at_ms, entry)
        SELECT coalesce((line->>'position')::bigint, book.position + number),
          line->>'rep', (line->>'at')::double precision, line->>'entry'
        FROM jsonb_array_elements(call->'history') WITH ORDINALITY AS told (line, number);
      book.position := coalesce(
        (call #>> '{history,-1,position}')::bigint, book.position + jsonb_array_length(call->'history'));
      IF jsonb_array_length(call->'settles') > 0 THEN
        UPDATE inbox i SET settled = true, body = NULL FROM jsonb_array_elements(call->'settles') AS key
          WHERE i.source = key->>'source' AND i.id = key->>'id' AND NOT i.settled;
      END IF;
      RETURN NEXT expected;
    WHEN 'remove' THEN
      DELETE FROM rep r WHERE r.rep = call->>'rep' RETURNING r.generation INTO expected;
      IF FOUND AND expected > book.floor THEN
        book.floor := expected;
        UPDATE ledger SET floor = expected;
      END IF;
      UPDATE inbox i SET settled = true, body = NULL WHERE i.rep = call->>'rep' AND NOT i.settled;
      RETURN NEXT 1;
    WHEN 'accept' THEN
      INSERT INTO inbox (source, id, rep, received_at_ms, body, settled)
        VALUES (call->>'source', call->>'id', call->>'rep', (call->>'at')::double precision, call->>'body', false)
        ON CONFLICT (source, id) DO NOTHING;
      RETURN NEXT CASE WHEN FOUND THEN 1 ELSE 0 END;
    WHEN 'settle' THEN
      UPDATE inbox i SET settled = true, body = NULL FROM jsonb_array_elements(call->'settles') AS key
        WHERE i.source = key->>'source' AND i.id = key->>'id' AND NOT i.settled;
      RETURN NEXT 1;
    WHEN 'keep' THEN
      INSERT INTO record VALUES
        (call->>'kind', call->>'id', call->>'body', (call->>'expires')::double precision)
        ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body, expires_at_ms = excluded.expires_at_ms;
      RETURN NEXT 1;
    WHEN 'forget' THEN
      DELETE FROM record r WHERE r.kind = call->>'kind' AND r.id = call->>'id';
      RETURN NEXT CASE WHEN FOUND THEN 1 ELSE 0 END;
    WHEN 'lease' THEN
      INSERT INTO lease AS held VALUES (call->>'name', call->>'holder', 1,
        clock_timestamp() + (call->>'ttl')::double precision * interval '1 millisecond')
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until,
          fence = held.fence + CASE WHEN held.holder = excluded.holder THEN 0 ELSE 1 END
          WHERE held.holder = excluded.holder OR held.until <= clock_timestamp()
        RETURNING held.fence INTO expected;
      RETURN NEXT CASE WHEN FOUND THEN expected ELSE 0 END;
    WHEN 'release' THEN
      UPDATE lease held SET holder = '', until = '-infinity'
        WHERE held.name = call->>'name' AND held.holder = call->>'holder';
      RETURN NEXT 1;
    END CASE;
  END LOOP;
  IF book.position > changed THEN
    UPDATE ledger SET position = book.position;
  END IF;
END $$;
`;

/**
 * Partitions of history, a day each. A day that could not be made ahead, or that a wrong clock told of, lies in
 * `history_other`. Both functions lock the ledger first, as \`perform\` does, so that they cannot block each other; `make_days`
 * returns when the last day that it looked at ends, in epoch milliseconds.
 */
export const DAYS = `
CREATE FUNCTION lockstep.make_days(ahead integer) RETURNS double precision
LANGUAGE plpgsql SET search_path = lockstep, pg_catalog, pg_temp AS $$
DECLARE
  day date;
  starts_ms double precision;
  name text;
BEGIN
  PERFORM FROM ledger FOR UPDATE;
  FOR day IN SELECT (now() AT TIME ZONE 'UTC')::date + step FROM generate_series(-1, ahead) AS step LOOP
    name := to_char(day, '"history_"YYYYMMDD');
    starts_ms := extract(epoch FROM day) * 1000;
    CONTINUE WHEN to_regclass('lockstep.' || name) IS NOT NULL;
    CONTINUE WHEN EXISTS (
      SELECT FROM history_other WHERE at_ms >= starts_ms AND at_ms < starts_ms + 86400000
    );
    EXECUTE format('CREATE TABLE %I PARTITION OF history FOR VALUES FROM (%L) TO (%L)',
      name, starts_ms, starts_ms + 86400000);
  END LOOP;
  RETURN starts_ms + 86400000;
END $$;

CREATE FUNCTION lockstep.drop_days(before_ms double precision) RETURNS void
LANGUAGE plpgsql SET search_path = lockstep, pg_catalog, pg_temp AS $$
DECLARE
  name text;
BEGIN
  PERFORM FROM ledger FOR UPDATE;
  FOR name IN SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent = 'history'::regclass AND c.relname ~ '^history_[0-9]{8}$'
      AND (extract(epoch FROM to_date(right(c.relname, 8), 'YYYYMMDD')) + 86400) * 1000 <= before_ms
  LOOP
    EXECUTE format('DROP TABLE %I', name);
  END LOOP;
END $$;
`;
