package profile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/aislecache/aisle/sessions/transform"
)

const maxAnswer = 64 << 10 // bytes of a customer over HTTP

// endpoint asks a server: a POST with {"id":…,"email":…}, so that neither ends in an access log. 200 with a customer of
// the keys of `fields` is one, 404 and 204 are none, anything else is a failure.
type endpoint struct {
	url    string
	client *http.Client
	own    bool
}

func newEndpoint(rawURL string, transport http.RoundTripper) (*endpoint, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, errors.New("profile.customers.http: it is no URL") // the error quotes it, with its password
	}
	if err := transform.CheckURL(u); err != nil {
		return nil, transform.AtKey("profile.customers.http", transform.OneLine(err))
	}
	var of *http.Client
	if transport != nil {
		of = &http.Client{Transport: transport}
	}
	return &endpoint{url: u.String(), client: transform.NewClient(of, 64), own: transport == nil}, nil
}

func (e *endpoint) close() {
	if e.own {
		e.client.CloseIdleConnections()
	}
}

func (e *endpoint) find(ctx context.Context, id, email string) (Customer, bool, error) {
	question, err := json.Marshal(struct {
		ID    string `json:"id,omitempty"`
		Email string `json:"email,omitempty"`
	}{id, email})
	if err != nil {
		return Customer{}, false, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(question))
	if err != nil {
		return Customer{}, false, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "aisle")
	response, err := e.client.Do(request)
	if err != nil {
		return Customer{}, false, transform.ExchangeError(err)
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusNoContent, http.StatusGone:
		_, _ = io.CopyN(io.Discard, response.Body, 4<<10) // so that the connection can be used again
		return Customer{}, false, nil
	default:
		_, _ = io.CopyN(io.Discard, response.Body, 4<<10)
		return Customer{}, false, fmt.Errorf("status %d", response.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return Customer{}, false, transform.ExchangeError(err)
	}
	c, err := parseAnswer(text)
	return c, err == nil, err
}

// parseAnswer reads a customer: an object with texts or numbers, priceTables being a text or a list of texts. Keys that
// are none of `fields` are passed over. No error tells a value.
func parseAnswer(text []byte) (Customer, error) {
	if len(text) > maxAnswer {
		return Customer{}, fmt.Errorf("the answer has more than %d bytes", maxAnswer)
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(text, &object) != nil || object == nil {
		return Customer{}, errors.New("the answer is no JSON object")
	}
	var r row
	for i, name := range fields() {
		raw := object[name]
		if len(raw) == 0 || string(raw) == "null" {
			continue
		}
		var list []string
		if i == tablesAt && raw[0] == '[' {
			if json.Unmarshal(raw, &list) != nil {
				return Customer{}, fmt.Errorf("%s is no list of texts", name)
			}
			for _, one := range list {
				if err := soundName(one); err != nil {
					return Customer{}, fmt.Errorf("%s: %w", name, err)
				}
				r[i] += one + ";"
			}
			continue
		}
		var number json.Number
		if json.Unmarshal(raw, &r[i]) != nil {
			if json.Unmarshal(raw, &number) != nil {
				return Customer{}, fmt.Errorf("%s is no text", name)
			}
			r[i] = number.String()
		}
	}
	if err := r.tidy(); err != nil && !errors.Is(err, errNobody) { // it need not repeat the question
		return Customer{}, err
	}
	return r.customer(), nil
}
