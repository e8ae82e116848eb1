package demo

import "strings"

// What the shop says about its things. English throughout: only money follows the segment's culture.

func newCategories() []*Category {
	return []*Category{
		{Key: "lamps", Name: "Lamps", stuff: "Ceramic, glass and cotton", Blurb: "Warm pools of light for long evenings.", low: 149, span: 640, draw: drawLamp,
			kinds: [5]string{"Table lamp", "Reading lamp", "Glass lamp", "Ceramic lamp", "Bedside lamp"}},
		{Key: "chairs", Name: "Chairs", stuff: "Solid oak and woven wool", Blurb: "Seats that invite a second coffee.", low: 390, span: 1900, draw: drawChair,
			kinds: [5]string{"Lounge chair", "Dining chair", "Oak chair", "Woven chair", "Desk chair"}},
		{Key: "mugs", Name: "Mugs", stuff: "Glazed stoneware", Blurb: "Hand-thrown, dishwasher-proof, hard to put down.", low: 29, span: 90, draw: drawMug,
			kinds: [5]string{"Stoneware mug", "Espresso cup", "Latte mug", "Tea cup", "Camping mug"}},
		{Key: "vases", Name: "Vases", stuff: "Fired clay, glazed by hand", Blurb: "For one stem or a whole garden.", low: 79, span: 420, draw: drawVase,
			kinds: [5]string{"Bud vase", "Tall vase", "Round vase", "Ribbed vase", "Glazed vase"}},
		{Key: "clocks", Name: "Clocks", stuff: "Beech, brass and glass", Blurb: "Time, told quietly.", low: 119, span: 560, draw: drawClock,
			kinds: [5]string{"Wall clock", "Station clock", "Mantel clock", "Numeral clock", "Quiet clock"}},
		{Key: "plants", Name: "Plants", stuff: "Living plant in a clay pot", Blurb: "Green company that asks for little.", low: 49, span: 310, draw: drawPlant,
			kinds: [5]string{"Potted fern", "Potted agave", "Rubber plant", "Snake plant", "Olive tree"}},
		{Key: "cushions", Name: "Cushions", stuff: "Linen, cotton and down", Blurb: "Linen, velvet, and a place to lean.", low: 69, span: 240, draw: drawCushion,
			kinds: [5]string{"Linen cushion", "Velvet cushion", "Striped cushion", "Knitted cushion", "Floor cushion"}},
		{Key: "prints", Name: "Prints", stuff: "Cotton paper, oak frame", Blurb: "Paper windows, framed and ready to hang.", low: 89, span: 480, draw: drawPrint,
			kinds: [5]string{"Sunrise print", "Mountain print", "Abstract print", "Botanical print", "Harbour print"}},
	}
}

func models() []string {
	return []string{
		"Aurora", "Brisa", "Caju", "Duna", "Estela", "Flora", "Garoa", "Ilha", "Jade", "Lapa", "Mira",
		"Nina", "Oca", "Paraty", "Quinta", "Serra", "Tijuca", "Una", "Vila", "Xingu", "Yara", "Zelia",
	}
}

func describe(cat *Category, kind, model string, id int) string {
	one := "a " + strings.ToLower(kind)
	if strings.Contains("AEIOU", kind[:1]) {
		one = "an" + one[1:]
	}
	openings := []string{
		"The " + model + " is " + one + " with nothing to prove.",
		"Drawn in one line and built by hand, the " + model + " settles a room.",
		"We made the " + model + " for the corner you walk past every day.",
		"The shape of a slow morning, and " + one + " besides: meet the " + model + ".",
	}
	makers := []string{
		"It comes from a family workshop in Minas Gerais, where each piece is finished by the person who began it.",
		"A studio of six in Porto Alegre makes it in small batches and signs the underside.",
		"It is made in Bahia from what the region gives, and carries the small marks of the hand.",
		"The workshop in Santa Catarina has made things like it since 1974, and still repairs every one.",
	}
	care := []string{
		"Wipe it with a dry cloth; the surface grows better with the years.",
		"Keep it out of the midday sun and it will outlive the fashion.",
		"It needs no care to speak of, only a place.",
		"Spare parts are kept for ten years, and we answer letters.",
	}
	return nth(openings, id, "opening") + " " + nth(makers, id, "maker") + " " + nth(care, id, "care") + " " + cat.Blurb
}

func specsOf(cat *Category, id int) [][2]string {
	n := int64(mix(uint64(id), "size"))
	size := func(shift int) string { return digits(8 + n>>shift&31) }
	return [][2]string{
		{"Collection", cat.Name},
		{"Material", cat.stuff},
		{"Colour", paintOf(id).name},
		{"Size", size(3) + " × " + size(9) + " × " + size(15) + " cm"},
		{"Weight", digits(2+n>>21&15) + "00 g"},
		{"Made in", nth([]string{"Minas Gerais", "Porto Alegre", "Bahia", "Santa Catarina"}, id, "maker")},
		{"Warranty", "5 years"},
		{"Reference", "CL-" + digits(int64(10000+id))},
	}
}

// review is what a customer wrote.
type review struct {
	author, title, text string
	stars               int
}

func reviewsOf(p *Product) []review {
	authors := []string{"Helena M.", "Rafael T.", "Joana P.", "Caio B.", "Ingrid S.", "Mateus L.", "Olga R.", "Davi N."}
	titles := []string{"Better than the picture", "Exactly as hoped", "A quiet favourite", "Well packed, well made", "I bought a second one", "Worth the wait"}
	texts := []string{
		"It arrived two days early in a box without a gram of plastic. The colour is a shade warmer than on my screen, and I would not change it.",
		"I looked for this for a year. It is heavier than I thought, in a good way, and the finish is even to the last corner.",
		"My sister noticed it before she had her coat off. That says it all, I think.",
		"One small scratch on the underside, and a new one came within the week, no questions asked.",
		"The size is just right for our shelf. We have had it for three months and it still makes us smile.",
	}
	list := make([]review, 4)
	for i := range list {
		topic := "review" + digits(int64(i))
		list[i] = review{
			// Neighbours in each list, so that nobody says the same twice.
			author: authors[(p.ID*3+i)%len(authors)], title: titles[(p.ID+i)%len(titles)], text: texts[(p.ID*2+i)%len(texts)],
			stars: 3 + int(mix(uint64(p.ID), topic)%3),
		}
	}
	return list
}
