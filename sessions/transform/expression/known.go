package expression

import (
	"encoding/json"
	"slices"

	"github.com/aislecache/aisle/sessions/transform"
)

// Native gives the namespaces of the apps that the public system has (facts, part 4), with the keys they write; `public`
// without keys, since a request may write any. The Declaration is the caller's.
func Native() transform.Declaration {
	return transform.Declaration{
		transform.PublicNamespace:  nil,
		transform.AccountNamespace: {"id", "accountName"},
		"store":                    {"channel", "countryCode", "cultureInfo", "currencyCode", "currencySymbol", "channelPrivacy"},
		"authentication": {
			"adminUserId", "adminUserEmail", "storeUserId", "storeUserEmail", "customerId", "unitId", "isRepresentative",
		},
		"profile":     {"id", "email", "firstName", "lastName", "phone", "document", "priceTables", "isAuthenticated"},
		"rnb":         {"campaigns"},
		"checkout":    {"regionId", "cartId", "orderFormId"},
		"impersonate": {"storeUserId", "storeUserEmail", "canImpersonate", "account", "operatorId", "asked", "told", "stopped"},
		"search":      {"facets"},
	}
}

// anyOther stands for every namespace that nobody declares; no namespace can have this name.
const anyOther = "*"

// Backends declares, for Compile, the namespaces that backends alone write: any one that no app declares, with any keys. The Declaration
// is the caller's.
func Backends() transform.Declaration { return transform.Declaration{anyOther: nil} }

// known is what expressions may read: namespace to keys; nil keys mean any.
type known map[string][]string

func knownBy(more []transform.Declaration) known {
	all := known(Native())
	for _, d := range more {
		for namespace, names := range d {
			had, there := all[namespace]
			switch {
			case namespace == transform.CookieNamespace: // its keys are patterns, and its values secrets
			case there && len(had) == 0:
			case len(names) == 0:
				all[namespace] = nil
			default:
				all[namespace] = slices.Concat(had, names)
			}
		}
	}
	return all
}

func (k known) has(key transform.Key) bool {
	names, there := k[key.Namespace]
	if !there && key.Namespace != transform.CookieNamespace {
		names, there = k[anyOther]
	}
	return there && (len(names) == 0 || slices.Contains(names, key.Name))
}

// textOf is a value as expressions see it.
func textOf(value json.RawMessage) (string, error) {
	switch {
	case len(value) > maxValue:
		return "", errLong
	case len(value) == 0:
		return "", nil
	}
	switch value[0] {
	case '"':
		var text string
		if json.Unmarshal(value, &text) != nil {
			return "", errValue
		}
		return text, nil
	case '{', '[', 'n':
		return "", nil
	}
	return string(value), nil
}
