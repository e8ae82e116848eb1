package sessions

import (
	"bytes"
	"encoding/json"
)

// encodeJSON leaves < and > as they are, which json.Marshal would escape: values come back byte for byte as they were
// sent, and what was read from a store is equal to what was written.
func encodeJSON(value any) ([]byte, error) {
	var out bytes.Buffer
	to := json.NewEncoder(&out)
	to.SetEscapeHTML(false)
	if err := to.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
