package demo

import "fmt"

// paint is the colours of one picture.
type paint struct{ back, main, dark, accent, name string }

// picture draws product id of a category: 200 by 200 units, without ids or styles, so that a page can hold many.
func picture(cat *Category, id, kind int) string {
	c := paintOf(id)
	backdrop := fmt.Sprintf(`<rect width="200" height="200" fill="%s"/><circle cx="%d" cy="58" r="46" fill="%s" opacity=".3"/>`+
		`<ellipse cx="100" cy="174" rx="64" ry="7" fill="%s" opacity=".14"/>`, c.back, 44+id*37%112, c.accent, c.dark)
	return `<svg viewBox="0 0 200 200" xmlns="http://www.w3.org/2000/svg" aria-hidden="true">` + backdrop + cat.draw(c, kind) + `</svg>`
}

// paintOf is the colours of product id.
func paintOf(id int) paint {
	paints := []paint{
		{"#f3e9dc", "#c8553d", "#5e3023", "#e9b872", "Terracotta"}, {"#e0ece4", "#3a7d6b", "#1d4a45", "#f2b5a0", "Deep green"},
		{"#e8e6f3", "#5b5f97", "#2f2f5a", "#ffc145", "Indigo"}, {"#fbece2", "#e07a5f", "#3d405b", "#81b29a", "Coral"},
		{"#e3edf4", "#33658a", "#1f3c54", "#f6ae2d", "Atlantic blue"}, {"#f5e6ea", "#b5446e", "#4a1d33", "#f0c987", "Plum"},
		{"#eef0dd", "#7d8f3b", "#3f4a1c", "#d98e4a", "Olive"}, {"#f1ece7", "#8a6f5c", "#3e2f26", "#a9c5b9", "Sand"},
	}
	return paints[mix(uint64(id), "paint")%uint64(len(paints))]
}

func drawLamp(c paint, kind int) string {
	top, bottom, foot := 20+kind*5, 44+kind*3, 34-kind*2
	light := fmt.Sprintf(`<path d="M%d 104L%d 172H%d L%d 104Z" fill="%s" opacity=".35"/>`, 100-bottom, 76-bottom, 124+bottom, 100+bottom, c.accent)
	shade := fmt.Sprintf(`<path d="M%d 44H%d L%d 104H%d Z" fill="%s"/><path d="M%d 44h12l-8 60h-14Z" fill="#fff" opacity=".16"/>`,
		100-top, 100+top, 100+bottom, 100-bottom, c.main, 100-top)
	stem := fmt.Sprintf(`<rect x="96" y="104" width="8" height="62" fill="%s"/>`, c.dark)
	if kind > 1 {
		stem = fmt.Sprintf(`<path d="M92 104h16c-2 14 22 20 22 40 0 16-14 26-30 26s-30-10-30-26c0-20 24-26 22-40Z" fill="%s"/>`, c.dark)
	}
	return light + stem + shade + fmt.Sprintf(`<rect x="%d" y="164" width="%d" height="9" rx="4" fill="%s"/>`, 100-foot, 2*foot, c.dark)
}

func drawChair(c paint, kind int) string {
	legs := fmt.Sprintf(`<path d="M66 130l-8 43M134 130l8 43M82 130l-3 38M118 130l3 38" stroke="%s" stroke-width="6" stroke-linecap="round" fill="none"/>`, c.dark)
	back := fmt.Sprintf(`<rect x="60" y="%d" width="80" height="%d" rx="%d" fill="%s"/>`, 34+kind*5, 78-kind*5, 10+kind*6, c.main)
	seat := fmt.Sprintf(`<rect x="52" y="106" width="96" height="28" rx="13" fill="%s"/><rect x="52" y="106" width="96" height="12" rx="6" fill="#fff" opacity=".18"/>`, c.main)
	switch kind {
	case 0:
		seat += fmt.Sprintf(`<rect x="40" y="88" width="20" height="46" rx="10" fill="%s"/><rect x="140" y="88" width="20" height="46" rx="10" fill="%s"/>`, c.dark, c.dark)
	case 2, 3:
		back += fmt.Sprintf(`<path d="M76 %dv52M92 %dv52M108 %dv52M124 %dv52" stroke="%s" stroke-width="4"/>`, 52+kind*3, 48+kind*3, 48+kind*3, 52+kind*3, c.accent)
	}
	return legs + back + seat
}

func drawMug(c paint, kind int) string {
	h := []int{84, 56, 96, 62, 78}[kind]
	top, half := 168-h, 38+kind%3*4
	steam := fmt.Sprintf(`<path d="M84 %dc-10-14 10-18 0-32M104 %dc-10-14 10-18 0-32M124 %dc-10-14 10-18 0-32" stroke="%s" stroke-width="4" stroke-linecap="round" fill="none" opacity=".35"/>`,
		top-10, top-12, top-10, c.dark)
	handle := fmt.Sprintf(`<circle cx="%d" cy="%d" r="%d" fill="none" stroke="%s" stroke-width="10"/>`, 100+half, top+h/2, h/4+4, c.main)
	body := fmt.Sprintf(`<path d="M%d %dH%dv%dq0 22-22 22H%dq-22 0-22-22Z" fill="%s"/>`, 100-half, top, 100+half, h-22, 122-half, c.main)
	band := fmt.Sprintf(`<rect x="%d" y="%d" width="%d" height="%d" fill="%s"/><ellipse cx="100" cy="%d" rx="%d" ry="7" fill="%s"/>`,
		100-half, top+h/3, 2*half, 8+kind*2, c.accent, top, half, c.dark)
	return steam + handle + body + band
}

func drawVase(c paint, kind int) string {
	w := []int{24, 30, 52, 40, 46}[kind]
	stems := fmt.Sprintf(`<path d="M100 100C98 70 88 54 76 42M100 100c2-34 10-48 26-62M100 100V30" stroke="%s" stroke-width="3" fill="none"/>`, c.dark)
	bloom := fmt.Sprintf(`<circle cx="74" cy="40" r="12" fill="%s"/><circle cx="128" cy="36" r="14" fill="%s"/><circle cx="100" cy="26" r="11" fill="%s"/>`+
		`<g fill="#fff" opacity=".7"><circle cx="74" cy="40" r="4"/><circle cx="128" cy="36" r="5"/><circle cx="100" cy="26" r="4"/></g>`, c.accent, c.main, c.accent)
	body := fmt.Sprintf(`<path d="M86 90h28c-2 16 %d 22 %d 48 0 24-18 34-%d 34s-%d-10-%d-34c0-26 %d-32 %d-48Z" fill="%s"/><rect x="82" y="86" width="36" height="8" rx="4" fill="%s"/>`,
		w-14, w-14, w, w, w, w-14, w-14, c.main, c.dark)
	if kind == 3 {
		body += `<path d="M84 118v48M100 112v58M116 118v48" stroke="#fff" stroke-width="4" opacity=".3"/>`
	}
	return stems + bloom + body
}

func drawClock(c paint, kind int) string {
	face := fmt.Sprintf(`<circle cx="100" cy="100" r="66" fill="%s"/><circle cx="100" cy="100" r="%d" fill="#fffdf8"/>`, c.main, 50+kind*2)
	if kind == 2 {
		face = fmt.Sprintf(`<path d="M40 172V92a60 60 0 0 1 120 0v80Z" fill="%s"/><circle cx="100" cy="100" r="46" fill="#fffdf8"/>`, c.main)
	}
	ticks := fmt.Sprintf(`<path d="M100 58v10M100 132v10M58 100h10M132 100h10M79 64l4 7M121 64l-4 7M79 136l4-7M121 136l-4-7M64 79l7 4M136 79l-7 4M64 121l7-4M136 121l-7-4" stroke="%s" stroke-width="3"/>`, c.dark)
	hands := fmt.Sprintf(`<g stroke-linecap="round"><path d="M100 100V72" stroke="%s" stroke-width="6" transform="rotate(%d 100 100)"/><path d="M100 104V62" stroke="%s" stroke-width="4" transform="rotate(%d 100 100)"/>`+
		`<path d="M100 110V60" stroke="%s" stroke-width="2" transform="rotate(%d 100 100)"/></g><circle cx="100" cy="100" r="4" fill="%s"/>`,
		c.dark, 300+kind*41, c.dark, 50+kind*67, c.accent, 200+kind*23, c.dark)
	return face + ticks + hands
}

func drawPlant(c paint, kind int) string {
	leaves := ""
	for i := range 5 + kind%3*2 {
		angle := -66 + i*132/(4+kind%3*2)
		fill := c.dark
		if i%2 == 0 {
			fill = "#4f8a5b"
		}
		leaves += fmt.Sprintf(`<ellipse cx="100" cy="%d" rx="%d" ry="44" fill="%s" transform="rotate(%d 100 124)"/>`, 84-kind*2, 15-kind*2, fill, angle)
	}
	pot := fmt.Sprintf(`<path d="M64 122h72l-9 50H73Z" fill="%s"/><rect x="59" y="114" width="82" height="15" rx="5" fill="%s"/><path d="M70 144h60l-2 10H72Z" fill="%s" opacity=".8"/>`, c.main, c.main, c.accent)
	return `<g opacity=".95">` + leaves + `</g>` + pot
}

func drawCushion(c paint, kind int) string {
	shape := `M42 58Q100 46 158 58Q170 108 158 160Q100 172 42 160Q30 108 42 58Z`
	body := fmt.Sprintf(`<path d="%s" fill="%s"/>`, shape, c.main)
	switch kind {
	case 0:
		body += fmt.Sprintf(`<circle cx="100" cy="109" r="30" fill="%s"/><circle cx="100" cy="109" r="16" fill="%s"/>`, c.accent, c.dark)
	case 1:
		body += `<path d="M52 66q48-10 70-6q-60 20-74 62q-8-28 4-56Z" fill="#fff" opacity=".18"/>`
	case 2:
		body += fmt.Sprintf(`<path d="M62 55v108M84 51v116M116 51v116M138 55v108" stroke="%s" stroke-width="9"/>`, c.accent)
	case 3:
		body += fmt.Sprintf(`<path d="M44 84l14 12 14-12 14 12 14-12 14 12 14-12 14 12 14-12M40 112l15 12 15-12 15 12 15-12 15 12 15-12 15 12 15-12M44 140l14 12 14-12 14 12 14-12 14 12 14-12 14 12 14-12" stroke="%s" stroke-width="6" fill="none"/>`, c.accent)
	default:
		body += fmt.Sprintf(`<path d="M100 52v114M36 109h128" stroke="%s" stroke-width="5"/><circle cx="100" cy="109" r="9" fill="%s"/>`, c.dark, c.accent)
	}
	return body
}

func drawPrint(c paint, kind int) string {
	frame := fmt.Sprintf(`<rect x="46" y="22" width="108" height="146" fill="%s"/><rect x="53" y="29" width="94" height="132" fill="#fffdf8"/>`, c.dark)
	arts := []string{
		fmt.Sprintf(`<circle cx="100" cy="88" r="28" fill="%s"/><path d="M61 100h78v53H61Z" fill="%s"/><path d="M61 114h78M61 128h78M61 142h78" stroke="#fffdf8" stroke-width="3"/>`, c.accent, c.main),
		fmt.Sprintf(`<circle cx="122" cy="62" r="13" fill="%s"/><path d="M61 153l32-76 22 44 10-18 14 50Z" fill="%s"/><path d="M93 77l-12 30 12-8 10 4Z" fill="#fff" opacity=".8"/>`, c.accent, c.main),
		fmt.Sprintf(`<path d="M61 37h40v50a40 40 0 0 1-40 40Z" fill="%s"/><circle cx="116" cy="112" r="23" fill="%s"/><path d="M105 40h34v34h-34Z" fill="%s"/>`, c.main, c.accent, c.dark),
		fmt.Sprintf(`<path d="M100 153V52" stroke="%s" stroke-width="4"/><path d="M100 80q-30-2-32-30 30 2 32 30ZM100 100q30-2 32-30-30 2-32 30ZM100 124q-30-2-32-30 30 2 32 30ZM100 144q30-2 32-30-30 2-32 30Z" fill="%s"/>`, c.dark, c.main),
		fmt.Sprintf(`<path d="M61 120h78v33H61Z" fill="%s"/><path d="M72 118h56l-10 16H82Z" fill="%s"/><path d="M100 50v66M102 54l26 50h-26ZM98 66l-20 38h20Z" fill="%s" stroke="%s" stroke-width="2"/>`, c.main, c.dark, c.accent, c.dark),
	}
	return frame + arts[kind]
}
