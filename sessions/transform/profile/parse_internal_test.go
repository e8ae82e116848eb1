package profile

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// all gives the rows of a table.
func all(t *table) []row {
	var list []row
	for i, chunk := range t.chunks {
		for at := 0; at < len(chunk); {
			_, fields := t.packed(uint32(i<<chunkBits + at))
			r, rest := t.row(fields)
			list = append(list, r)
			at = len(chunk) - len(rest)
		}
	}
	return list
}

func TestReadCSV(t *testing.T) {
	f := func(text string, want ...row) {
		t.Helper()
		got, err := readCSV(strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			return
		}
		if diff := cmp.Diff(want, all(got)); diff != "" || got.count != len(want) {
			t.Errorf("%q: %d (-want +got):\n%s", text, got.count, diff)
		}
	}
	f("id\n")
	f("id\nx\n\ny", row{"x"}, row{"y"})
	f("\xef\xbb\xbfid,email\r\n1,A@B\r\n", row{"1", "a@b"})
	f("priceTables,Email,ID\n a ; b;a , b@x ,\" 1 \"\n", row{"1", "b@x", "", "", "", "", "a,b"})
	f("email,first_name,LASTNAME,document,phone\na@b,\"A, \"\"B\"\"\",\"x\ny\",0012,\n", row{"", "a@b", `A, "B"`, "x\ny", "0012"})
	f("id,price_tables\n1,one\n2,\"a,b\"\n3,;;\n", row{"1", "", "", "", "", "", "one"}, row{"2", "", "", "", "", "", "a,b"}, row{"3"})
}

func TestReadCSVRefuses(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := readCSV(strings.NewReader(text))
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%.80q: %v, want %q", text, err, w)
			}
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("it tells a value: %v", err)
		}
	}
	f("", "it is empty")
	f("c1,ann@x\n", `line 1: no column is called "c1"`)
	f("phone\n1\n", "line 1: no column id or email")
	f("id,ID\n1,2\n", "line 1: column id is there twice")
	f("id,email\n1\n2,b\n3,c,d\n", "line 2: wrong number of fields", "line 4: wrong number of fields")
	f("id,email\n1,a\n,secret@x\n\n2,SECRET@x\n1,b\n", "line 5: the email is the one of line 3", "line 6: the id is the one of line 2")
	f("id,phone\n,secret\n", "line 2: neither an id nor an email")
	f("id\n\"secret\nx\n", `line 2: extraneous or missing " in quoted-field`)
	f("id\nsec\"ret\n", `line 2: bare "`)
	f("id\n\"secret\" x\n", "line 2")
	f("id\nsecret\xff\n", "line 2: id is not UTF-8")
	f("id,phone\n1,"+strings.Repeat("secret", 200)+"\n", "line 2: phone has 1200 bytes, 1024 are allowed")

	_, err := readCSV(strings.NewReader("id,phone\n" + strings.Repeat(",x\n", 50)))
	if err == nil || strings.Count(err.Error(), "line ") != maxErrors {
		t.Errorf("not %d errors: %v", maxErrors, err)
	}
	broken := io.MultiReader(strings.NewReader("id\n1\n"), failing{})
	if _, err := readCSV(broken); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("a broken disk: %v", err)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, fmt.Errorf("the disk is gone") }

func TestReadYAML(t *testing.T) {
	f := func(text string, want ...row) {
		t.Helper()
		got, err := readYAML(strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
			return
		}
		if diff := cmp.Diff(want, all(got)); diff != "" || got.count != len(want) {
			t.Errorf("%q: %d (-want +got):\n%s", text, got.count, diff)
		}
	}
	f("[]\n")
	f("- {id: c1, email: Ann@x, firstName: Ann, lastName: Ash, document: 0012, phone: +55 11, priceTables: [gold, vip]}\n- id: 7\n  phone:\n",
		row{"c1", "ann@x", "Ann", "Ash", "0012", "+55 11", "gold,vip"}, row{"7"})
	f("- {id: true, price_tables: a;b}\n- {id: 2, priceTables: []}\n", row{"true", "", "", "", "", "", "a,b"}, row{"2"})
}

func TestReadYAMLRefuses(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		_, err := readYAML(strings.NewReader(text))
		for _, w := range want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%.80q: %v, want %q", text, err, w)
			}
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("it tells a value: %v", err)
		}
	}
	for _, empty := range []string{"", "# nobody\n", "null\n", "---\n", "~"} {
		f(empty, "it is empty: want a list of customers, [] for none")
	}
	f("id: 1\n", "line 1: want a list")
	f("- id: 1\n---\n- id: secret\n", "want one document")
	f("- 1\n- {id: 2}\n- [x]\n", "line 1: want a customer", "line 3: want a customer")
	f("- {id: 1, mail: secret}\n", `line 1: a customer has no key "mail"`)
	f("- {id: 1, id: secret}\n", "line 1: ", "twice")
	f("- {id: [secret]}\n", "line 1: id: want a text")
	f("- {id: {a: secret}}\n", "line 1: id: want a text")
	f("- {id: 1, priceTables: [[secret]]}\n", "priceTables: want a text")
	f("- {id: 1, priceTables: ['sec,ret']}\n", "priceTables: a name holds no")
	f("- {id: &a secret}\n- {id: *a}\n", "line 2: id: want a text")
	f("- {phone: secret}\n", "line 1: neither an id nor an email")
	f("- {id: secret}\n- {id: secret}\n", "line 2: the id is the one of line 1")
	f("- {id: secret\n", "it is no YAML")
	f("\tsecret: [", "it is no YAML")
	f("#"+strings.Repeat("x", maxYAML), "belong into a CSV file")
}

// TestReadsWhatCSVWrites: any texts that a customer may have come back, by id and by e-mail.
func TestReadsWhatCSVWrites(t *testing.T) {
	text := rapid.StringMatching(`[a-zA-Z0-9 "\n;éß€-]{0,12}`)
	rapid.Check(t, func(t *rapid.T) {
		var file strings.Builder
		out := csv.NewWriter(&file)
		_ = out.Write(fields())
		wanted := map[string]row{}
		for i := range rapid.IntRange(0, 200).Draw(t, "rows") {
			r := row{fmt.Sprint("c", i), fmt.Sprintf("U%d@x.example", i)}
			for k := 2; k < len(r); k++ {
				r[k] = text.Draw(t, "text")
			}
			_ = out.Write(r[:])
			if err := r.tidy(); err != nil {
				t.Fatal(err)
			}
			wanted[r[0]] = r
		}
		out.Flush()
		got, err := readCSV(strings.NewReader(file.String()))
		if err != nil {
			t.Fatal(err)
		}
		for id, want := range wanted {
			byID, there := got.find(id, "")
			byEmail, too := got.find("", want[1])
			if !there || !too || !cmp.Equal(byID, want.customer()) || !cmp.Equal(byID, byEmail) {
				t.Fatalf("%v, %v; want %v", byID, byEmail, want)
			}
		}
		if _, there := got.find("none", "none"); there || got.count != len(wanted) {
			t.Fatalf("%d customers, or one that is none", got.count)
		}
	})
}

// TestTableOfManyChunks: rows beyond the first chunk are found, and duplicates of them.
func TestTableOfManyChunks(t *testing.T) {
	table := newTable()
	long := strings.Repeat("x", maxField)
	const n = 3000
	for i := range n {
		if err := table.add(&row{fmt.Sprint(i), fmt.Sprintf("%d@x", i), long}, i+2); err != nil {
			t.Fatal(err)
		}
	}
	if len(table.chunks) < 3 {
		t.Fatalf("%d chunks show nothing", len(table.chunks))
	}
	for i := range n {
		if c, found := table.find("", fmt.Sprintf("%d@x", i)); !found || c.ID != fmt.Sprint(i) || c.FirstName != long {
			t.Fatalf("%d: %v, %v", i, found, c.ID)
		}
	}
	if err := table.add(&row{"2999", ""}, 9999); err == nil || !strings.Contains(err.Error(), "the one of line 3001") {
		t.Errorf("%v", err)
	}
}

func TestParseAnswer(t *testing.T) {
	f := func(text string, want Customer) {
		t.Helper()
		got, err := parseAnswer([]byte(text))
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, diff)
		}
	}
	f(`{}`, Customer{})
	f(`{"id":17,"email":"A@b","firstName":"x","lastName":"y","document":null,"phone":"1","priceTables":["a","b","a"],"more":{}}`,
		Customer{ID: "17", Email: "a@b", FirstName: "x", LastName: "y", Phone: "1", PriceTables: []string{"a", "b"}})
	f(`{"priceTables":"a;b,c"}`, Customer{PriceTables: []string{"a", "b", "c"}})

	bad := func(text, want string) {
		t.Helper()
		if _, err := parseAnswer([]byte(text)); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.60s: %v, want %q", text, err, want)
		}
	}
	bad(``, "no JSON object")
	bad(`null`, "no JSON object")
	bad(`["secret"]`, "no JSON object")
	bad(`{"id":{"secret":1}}`, "id is no text")
	bad(`{"id":true}`, "id is no text")
	bad(`{"priceTables":[1]}`, "priceTables is no list")
	bad(`{"priceTables":["gold,secret","x"]}`, `priceTables: a name holds no ";"`)
	bad(`{"priceTables":["x","y;secret"]}`, `priceTables: a name holds no ";"`)
	bad(`{"phone":"`+strings.Repeat("secret", 200)+`"}`, "phone has 1200 bytes")
	bad(strings.Repeat(" ", maxAnswer+1), "more than 65536 bytes")
}

// sound checks what any parsed table must hold.
func sound(t *testing.T, table *table) {
	for i := range table.ids.slots {
		if s := table.ids.slots[i]; s != 0 {
			id := unpack(table.key(s-1, 0))
			if c, found := table.find(id, ""); !found || c.ID != id {
				t.Fatalf("%q is there and not found", id)
			}
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add("id,email\n1,a@b\n")
	f.Add("\xef\xbb\xbfid,priceTables\n\"1\",\"a;b\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		if table, err := readCSV(strings.NewReader(text)); err == nil {
			sound(t, table)
		}
	})
}

func FuzzReadYAML(f *testing.F) {
	f.Add("- {id: 1, priceTables: [a]}\n")
	f.Add("- &a\n  id: x\n- *a\n")
	f.Fuzz(func(t *testing.T, text string) {
		if table, err := readYAML(strings.NewReader(text)); err == nil {
			sound(t, table)
		}
	})
}

func FuzzParseAnswer(f *testing.F) {
	f.Add(`{"id":1,"priceTables":["a"]}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseAnswer([]byte(text))
		if err == nil && strings.ContainsAny(strings.Join(c.PriceTables, ""), ";,") {
			t.Errorf("%q", c.PriceTables)
		}
	})
}
