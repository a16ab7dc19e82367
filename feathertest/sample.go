package feathertest

import (
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// sample makes a value that a schema allows, as small as it can be: the first example
// or enum value where there are some, else required members only, empty lists, and
// null where null is allowed, but not for the value as a whole.
func sample(schema *openapi3.SchemaRef) any { return sampleAt(schema, false, nil) }

// maxDepth stops a schema that requires itself, which no value satisfies.
const maxDepth = 32

func sampleAt(ref *openapi3.SchemaRef, mayBeNull bool, within []string) any {
	isInside := ref != nil && ref.Ref != "" && slices.Contains(within, ref.Ref)
	if ref == nil || ref.Value == nil || isInside || len(within) > maxDepth {
		return map[string]any{}
	}
	within = append(slices.Clip(within), ref.Ref)
	s := ref.Value
	switch {
	case s.Const != nil:
		return s.Const
	case len(s.Examples) > 0:
		return s.Examples[0]
	case s.Example != nil:
		return s.Example
	case mayBeNull && allowsNull(s):
		return nil
	case len(s.Enum) > 0:
		return s.Enum[max(0, slices.IndexFunc(s.Enum, func(v any) bool { return v != nil }))]
	case len(s.AllOf) > 0:
		return sampleAllOf(s, within)
	case len(s.OneOf)+len(s.AnyOf) > 0:
		return sampleVariant(s, within)
	}
	return sampleOfType(s, within)
}

func allowsNull(s *openapi3.Schema) bool {
	isNull := func(ref *openapi3.SchemaRef) bool { return ref.Value != nil && ref.Value.Type.Is("null") }
	return s.Nullable || s.Type.Includes("null") || slices.ContainsFunc(slices.Concat(s.AnyOf, s.OneOf), isNull)
}

func sampleAllOf(s *openapi3.Schema, within []string) any {
	merged := map[string]any{}
	for _, part := range s.AllOf {
		members, ok := sampleAt(part, false, within).(map[string]any)
		if !ok {
			return sampleAt(part, false, within)
		}
		for name, value := range members {
			merged[name] = value
		}
	}
	return withRequired(merged, s, within)
}

// sampleVariant takes the first variant that is not null and does not lead back to a
// schema that it is within.
func sampleVariant(s *openapi3.Schema, within []string) any {
	for _, variant := range slices.Concat(s.OneOf, s.AnyOf) {
		if variant.Value == nil || variant.Value.Type.Is("null") || leadsBack(variant, within, 0) {
			continue
		}
		value := sampleAt(variant, false, within)
		members, ok := value.(map[string]any)
		if !ok {
			return value
		}
		if s.Discriminator != nil {
			for name, target := range s.Discriminator.Mapping {
				if target.Ref == variant.Ref {
					members[s.Discriminator.PropertyName] = name
				}
			}
		}
		members = withRequired(members, s, within)
		for _, name := range variant.Value.Required {
			if member := s.Properties[name]; member != nil && members[name] == nil {
				members[name] = sampleAt(member, true, within)
			}
		}
		return members
	}
	return nil
}

// leadsBack is true of a schema that requires one of those that it is within.
func leadsBack(ref *openapi3.SchemaRef, within []string, depth int) bool {
	if ref == nil || ref.Value == nil || depth > maxDepth {
		return false
	}
	if ref.Ref != "" && slices.Contains(within, ref.Ref) {
		return true
	}
	return slices.ContainsFunc(ref.Value.Required, func(name string) bool {
		member := ref.Value.Properties[name]
		return member != nil && member.Value != nil && !allowsNull(member.Value) && leadsBack(member, within, depth+1)
	})
}

func sampleOfType(s *openapi3.Schema, within []string) any {
	switch {
	case s.Type.Includes("object"), s.Type == nil && len(s.Properties) > 0:
		return withRequired(map[string]any{}, s, within)
	case s.Type.Includes("array"):
		items := []any{}
		for i := range int(max(s.MinItems, uint64(len(s.PrefixItems)))) {
			item := s.Items
			if i < len(s.PrefixItems) {
				item = s.PrefixItems[i]
			}
			items = append(items, sampleAt(item, true, within))
		}
		return items
	case s.Type.Includes("string"):
		return sampleText(s)
	case s.Type.Includes("integer"):
		return math.Ceil(sampleNumber(s))
	case s.Type.Includes("number"):
		return sampleNumber(s)
	case s.Type.Includes("boolean"):
		return false
	case s.Type.Is("null"):
		return nil
	}
	return map[string]any{}
}

func withRequired(members map[string]any, s *openapi3.Schema, within []string) map[string]any {
	for _, name := range s.Required {
		if _, ok := members[name]; !ok {
			members[name] = sampleAt(s.Properties[name], true, within)
		}
	}
	return members
}

var formats = map[string]string{
	"uuid":      "0190a5b4-0000-7000-8000-000000000001",
	"date-time": "2026-01-02T03:04:05Z",
	"date":      "2026-01-02",
	"time":      "03:04:05Z",
	"duration":  "PT1M",
	"email":     "someone@example.com",
	"uri":       "https://example.com/",
	"url":       "https://example.com/",
	"hostname":  "example.com",
	"ipv4":      "192.0.2.1",
	"ipv6":      "2001:db8::1",
	"byte":      "dGV4dA==",
}

func sampleText(s *openapi3.Schema) string {
	text := "text"
	if known, ok := formats[s.Format]; ok {
		text = known
	} else if s.Pattern != "" {
		return matching(s.Pattern, int(s.MinLength))
	}
	if short := int(s.MinLength) - len(text); short > 0 {
		text += strings.Repeat("x", short)
	}
	if s.MaxLength != nil && len(text) > int(*s.MaxLength) {
		text = text[:*s.MaxLength]
	}
	return text
}

// sampleNumber takes 1, else what is nearest to it within the limits.
func sampleNumber(s *openapi3.Schema) float64 {
	n, step := 1.0, 1.0
	if s.MultipleOf != nil {
		n, step = *s.MultipleOf, *s.MultipleOf
	}
	low, high := bound(s.Min, s.ExclusiveMin, step), bound(s.Max, s.ExclusiveMax, -step)
	if low != nil && n < *low {
		n = math.Ceil(*low/step) * step
	}
	if high != nil && n > *high {
		n = math.Floor(*high/step) * step
	}
	if low != nil && n < *low { // no multiple of the step lies between the limits
		n = *low
	}
	return n
}

// bound is the limit itself, or a step inside where the limit is excluded.
func bound(limit *float64, exclusive openapi3.ExclusiveBound, step float64) *float64 {
	switch {
	case exclusive.Value != nil:
		inside := *exclusive.Value + step
		return &inside
	case limit != nil && exclusive.IsTrue():
		inside := *limit + step
		return &inside
	}
	return limit
}

// matching makes a text that a pattern matches, with at least so many bytes where
// its repetitions allow it.
func matching(pattern string, length int) string {
	expression, err := syntax.Parse(withoutLookaround(pattern), syntax.Perl)
	if err != nil {
		return strings.Repeat("x", max(length, 1))
	}
	if number, err := regexp.Compile(withoutLookaround(pattern)); err == nil && length < 2 && number.MatchString("1") {
		return "1" // which a lookahead for a number wants
	}
	text := ""
	for repeat := 0; repeat <= length; repeat++ {
		if text = generate(expression, repeat); len(text) >= length {
			break
		}
	}
	return text
}

// generate repeats each repetition as often as its minimum and more times, but at
// most as often as its maximum.
func generate(expression *syntax.Regexp, more int) string {
	repeated := func(least, most int) string {
		times := least + more
		if most >= 0 {
			times = min(times, most)
		}
		return strings.Repeat(generate(expression.Sub[0], 0), times)
	}
	switch expression.Op {
	case syntax.OpLiteral:
		return string(expression.Rune)
	case syntax.OpCharClass:
		return string(readable(expression.Rune))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return "x"
	case syntax.OpCapture, syntax.OpAlternate:
		return generate(expression.Sub[0], more)
	case syntax.OpConcat:
		var b strings.Builder
		for _, sub := range expression.Sub {
			b.WriteString(generate(sub, more))
		}
		return b.String()
	case syntax.OpStar:
		return repeated(0, -1)
	case syntax.OpPlus:
		return repeated(1, -1)
	case syntax.OpQuest:
		return repeated(0, 1)
	case syntax.OpRepeat:
		return repeated(expression.Min, expression.Max)
	}
	return ""
}

// readable picks a character of a class, given as pairs of limits: a letter or digit
// where it has one.
func readable(limits []rune) rune {
	for _, want := range "xX1" {
		for i := 0; i+1 < len(limits); i += 2 {
			if limits[i] <= want && want <= limits[i+1] {
				return want
			}
		}
	}
	return limits[0]
}
