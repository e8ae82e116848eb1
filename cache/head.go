package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// headOf packs an answer's head as everybody may have it. Set-Cookie leaves it
// where the page is stored without (the values are given back, for the leader);
// Age is reckoned anew at each delivery; Segment-Vary is between the origin and us.
func headOf(resp *OriginResponse, strip bool) (head Head, cookies []string) {
	head = Head{Status: resp.Status, Length: resp.Length, Server: resp.Server}
	size := 0
	for i := range resp.Fields {
		size += len(resp.Fields[i].Name) + len(resp.Fields[i].Value) + 4
	}
	head.Header = make(Block, 0, size)
	for i := range resp.Fields {
		f := &resp.Fields[i]
		switch strings.ToLower(f.Name) {
		case "age", "segment-vary":
			continue
		case "set-cookie":
			if strip {
				cookies = append(cookies, f.Value)
				continue
			}
		case "etag":
			head.ETag = f.Value
		case "last-modified":
			head.LastModified = f.Value
		}
		head.Header = head.Header.AppendLine(f.Name, f.Value)
	}
	return head, cookies
}

// merge is a stored answer freshened by a 304 (RFC 9111, 3.2 and 4.3.4): fields
// of the 304 replace those stored, except what describes the stored bytes. The
// stored Date goes in any case: a 304 without one is dated when it comes (RFC
// 9110, 6.6.1), else the page would be as old as before.
func merge(prior *Entry, resp *OriginResponse) *OriginResponse {
	fresh := map[string]bool{"date": true}
	var merged []Field
	for _, f := range resp.Fields {
		name := strings.ToLower(f.Name)
		if describesBytes(name) {
			continue
		}
		fresh[name] = true
		merged = append(merged, f)
	}
	for _, f := range prior.Header.Fields() {
		if !fresh[strings.ToLower(f.Name)] {
			merged = append(merged, f)
		}
	}
	return &OriginResponse{Status: prior.Status, Fields: merged, Body: resp.Body, Length: int64(len(prior.Body)), Server: resp.Server}
}

func describesBytes(name string) bool {
	switch name {
	case "content-encoding", "content-type", "content-range", "content-length":
		return true
	}
	return false
}

// digestOf names a body, for pages whose origin gives no ETag. It is the same on every edge.
func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}
