package redis

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"

	"github.com/redis/rueidis"
)

// What scripts answer. Those that do something give done.
const (
	done    = 1
	nothing = 0 // it was not to be done; of a save: a conflict
	missing = -1
)

// The scripts, each on one key. An edit must see and replace a row in one step; a script does that in one round trip,
// and without the connection of its own that WATCH needs. Each can be repeated when its answer got lost: a save knows
// its own row by the mark, and touches it, so that WAIT has something to wait for.
const (
	// ARGV: version before, version, mark, row, end.
	saveScript = `
local h = redis.call('GETRANGE', KEYS[1], 0, 49)
if h == '' or string.sub(h, 18, 18) == 'b' then
  if ARGV[1] ~= '0000000000000000' then return -1 end
elseif string.sub(h, 2, 17) == ARGV[2] and string.sub(h, 35, 50) == ARGV[3] then
  redis.call('PEXPIREAT', KEYS[1], ARGV[5])
  return 1
elseif string.sub(h, 2, 17) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[4], 'PXAT', ARGV[5])
return 1`

	// ARGV: kind and end as in a row, end.
	touchScript = `
local h = redis.call('GETRANGE', KEYS[1], 0, 17)
if h == '' or string.sub(h, 18, 18) == 'b' then return -1 end
redis.call('SETRANGE', KEYS[1], 17, ARGV[1])
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 1`

	// ARGV: a row that is put where there is none, "" for none, and its end.
	deleteScript = `
local h = redis.call('GETRANGE', KEYS[1], 0, 17)
if h == '' and ARGV[1] ~= '' then
  redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
  return 1
end
if h == '' or string.sub(h, 18, 18) == 'b' then return -1 end
redis.call('DEL', KEYS[1])
return 1`

	// ARGV: end as in a row, row, end. Facets are put but for a later end.
	facetsScript = `
if redis.call('GETRANGE', KEYS[1], 18, 33) >= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PXAT', ARGV[3])
return 1`

	// ARGV: version, end as in a row, mark, row, end.
	importScript = `
local h = redis.call('GETRANGE', KEYS[1], 0, 49)
if h ~= '' then
  local version, kind = string.sub(h, 2, 17), string.sub(h, 18, 18)
  if version == ARGV[1] and string.sub(h, 35, 50) == ARGV[3] then
    redis.call('PEXPIREAT', KEYS[1], ARGV[5])
    return 1
  end
  if kind == 'b' or version > ARGV[1] then return 0 end
  if version == ARGV[1] and (kind ~= 'c' or string.sub(h, 19, 34) >= ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[4], 'PXAT', ARGV[5])
return 1`

	// ARGV: version and kind of a copy, as in a row.
	retractScript = `
if redis.call('GETRANGE', KEYS[1], 1, 17) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1`

	// ARGV: row, end.
	buryScript = `
redis.call('SET', KEYS[1], ARGV[1], 'PXAT', ARGV[2])
return 1`
)

// script is a text with the name that a server knows it by.
type script struct{ text, sha string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(text)) // as EVALSHA wants it; it protects nothing
	return script{text, hex.EncodeToString(sum[:])}
}

// scripts of a store, so that no name is computed twice.
type scripts struct{ save, touch, delete, facets, imports, retract, bury script }

func newScripts() scripts {
	return scripts{
		save: newScript(saveScript), touch: newScript(touchScript), delete: newScript(deleteScript),
		facets: newScript(facetsScript), imports: newScript(importScript), retract: newScript(retractScript),
		bury: newScript(buryScript),
	}
}

// run sends the script, its text only to a server that has not seen it since its start.
func (s script) run(ctx context.Context, c rueidis.CoreClient, key string, args []string) (int64, error) {
	n, err := c.Do(ctx, c.B().Evalsha().Sha1(s.sha).Numkeys(1).Key(key).Arg(args...).Build()).AsInt64()
	if reply, ok := rueidis.IsRedisErr(err); ok && reply.IsNoScript() {
		n, err = c.Do(ctx, c.B().Eval().Script(s.text).Numkeys(1).Key(key).Arg(args...).Build()).AsInt64()
	}
	return n, err
}

// errReplicas says that a write is on the master alone, or on too few others.
var errReplicas = errors.New("too few replicas have the write, which is stored nevertheless")

// write runs a script that writes, and waits for replicas if it has written.
func (s *Store) write(ctx context.Context, script script, key string, args ...string) (int64, error) {
	if s.options.WaitReplicas == 0 {
		return script.run(ctx, s.client, key, args)
	}
	var n int64
	// WAIT is about the writes of its own connection, and would hold up all others on a shared one.
	err := s.client.Dedicated(func(c rueidis.DedicatedClient) (err error) {
		if n, err = script.run(ctx, c, key, args); err != nil || n != done {
			return err
		}
		wait := c.B().Wait().Numreplicas(int64(s.options.WaitReplicas)).Timeout(s.options.WaitTimeout.Milliseconds()).Build()
		have, err := c.Do(ctx, wait).AsInt64()
		if err == nil && have < int64(s.options.WaitReplicas) {
			err = errReplicas
		}
		return err
	})
	return n, err
}
