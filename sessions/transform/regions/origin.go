package regions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aislecache/aisle/sessions/transform"
)

const (
	maxAnswer    = 4 << 20 // bytes of an origin's answer
	fetchTimeout = 5 * time.Second
	regionsPath  = "/api/checkout/pub/regions/"
)

// origin asks another server's regions API, and keeps its answers: they are served for an hour, and asked for again behind the request
// from the tenth minute on (facts, part 4).
type origin struct {
	answers *answers
	client  *http.Client
	base    url.URL
	relayed chan struct{} // one for each request that is handed on
}

func newOrigin(o Options) (*origin, error) {
	u, err := url.Parse(o.Origin)
	if err != nil {
		return nil, transform.AtKey("checkout.regions.http", transform.OneLine(err))
	}
	if err := transform.CheckURL(u); err != nil {
		return nil, transform.AtKey("checkout.regions.http", transform.OneLine(err))
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = regionsPath
	}
	a := &origin{client: transform.NewClient(o.Client, maxRelayed), base: *u, relayed: make(chan struct{}, maxRelayed)}
	a.answers = newAnswers(a.fetch, o.Told)
	return a, nil
}

func (a *origin) close() {
	a.answers.close()
	a.client.CloseIdleConnections()
}

func (a *origin) find(ctx context.Context, p Place) (string, error) {
	query := a.query(p)
	if query == "" {
		return "", nil
	}
	return a.answers.get(ctx, query)
}

// query is what FastStore asks (facts 1.9), "" for what is no place. It is the key of the answer too, so a postal code's spellings are made one.
func (a *origin) query(p Place) string {
	q := a.base.Query()
	q.Set("country", p.Country)
	if p.Channel != "" {
		q.Set("sc", p.Channel)
	}
	code := plainCode(p.PostalCode)
	switch {
	case code != "" && plausible(code):
		q.Set("postalCode", strings.ToUpper(code))
	case p.Point != nil:
		q.Set("geoCoordinates", p.Point.String())
	default:
		return ""
	}
	if len(p.Channel) > maxChannel {
		return ""
	}
	return q.Encode()
}

// plainCode is a postal code without what stands between its digits.
func plainCode(text string) string {
	return strings.NewReplacer("-", "", ".", "", " ", "").Replace(text)
}

// plausible: short, of letters or digits, with "-", "." and blanks between them.
func plausible(text string) bool {
	text = strings.ReplaceAll(text, " ", "")
	return transform.PlainID(text, 12) && !strings.Contains(text, "_") && plainCode(text) != ""
}

// fetch asks for a region's id. A 400 is an answer: there is no such place.
func (a *origin) fetch(ctx context.Context, query string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	target := a.base
	target.RawQuery = query
	response, err := a.send(ctx, http.MethodGet, target, http.Header{})
	if err != nil {
		return "", fmt.Errorf("regions: %w", withoutQuery(err))
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return readAnswer(response.Body)
	case http.StatusBadRequest:
		_, _ = io.CopyN(io.Discard, response.Body, 4<<10) // the connection can be used again
		return "", nil
	}
	return "", fmt.Errorf("regions: status %d", response.StatusCode)
}

// send asks the server, with these fields besides its own, which the caller hands over.
func (a *origin) send(ctx context.Context, method string, target url.URL, fields http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, target.String(), nil)
	if err != nil {
		return nil, err
	}
	request.Header = fields
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "aisle")
	return a.client.Do(request)
}

// whole reads the body of an answer, within bounds.
func whole(body io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return nil, fmt.Errorf("regions: %w", err)
	}
	if len(text) > maxAnswer {
		return nil, fmt.Errorf("regions: an answer of over %d bytes", maxAnswer)
	}
	return text, nil
}

// withoutQuery takes the URL out of an error: it holds where a shopper is.
func withoutQuery(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// readAnswer reads an array of regions, of which the first counts (FastStore), or one region alone (the description).
func readAnswer(body io.Reader) (string, error) {
	text, err := whole(body)
	if err != nil {
		return "", err
	}
	type region struct {
		ID string `json:"id"`
	}
	var list []region
	if json.Unmarshal(text, &list) != nil {
		list = make([]region, 1)
		if json.Unmarshal(text, &list[0]) != nil {
			return "", errors.New("regions: the answer is no JSON of regions")
		}
	}
	if len(list) == 0 {
		return "", nil
	}
	if id := list[0].ID; isRegionID(id) {
		return id, nil
	}
	return "", errors.New("regions: the answer has no id of a region")
}
