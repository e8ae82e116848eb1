package isolation_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// sealKey is a key of the file that the edges are given.
type sealKey struct {
	id     string
	secret []byte
}

// account is the edges' own.
const account = "isolation"

func currentKey() sealKey { return sealKey{"k2", []byte(strings.Repeat("current.", 5))} }
func olderKey() sealKey   { return sealKey{"k1", []byte(strings.Repeat("older---", 5))} }
func strangeKey() sealKey { return sealKey{"k2", []byte(strings.Repeat("strange!", 5))} }

func keysFile() string {
	text := "# made by the isolation test\n"
	for _, k := range []sealKey{currentKey(), olderKey()} {
		text += k.id + " " + base64.StdEncoding.EncodeToString(k.secret) + "\n"
	}
	return text
}

// seal makes the value of aisle_seal (DESIGN.md, "Seal"): a MAC over version, account, expiry and the token's exact
// bytes, each with its length before it.
func (k sealKey) seal(account, token string, expiry time.Time) string {
	until := strconv.FormatInt(expiry.Unix(), 10)
	var message []byte
	for _, part := range []string{"v1", account, until, token} {
		message = binary.AppendUvarint(message, uint64(len(part)))
		message = append(message, part...)
	}
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(message)
	return "v1." + k.id + "." + until + "." + hex.EncodeToString(mac.Sum(nil)[:16])
}
