package convert

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

var _ = register(Backend{
	Name: "terraform", Summary: "Sumo Logic Cloud SIEM rule for Terraform (HCL)", Extension: "tf", Target: "cse", Comment: "#",
	Correlation: func(x *Correlated) (string, error) {
		d, err := cseCorrelation(x)
		if err != nil {
			return "", err
		}
		d.Label = terraformName(x.Title)
		return documentText(d, ruledoc.Terraform)
	},
	Rule: func(in *Input) (string, error) {
		r, err := cseRuleOf(in)
		if err != nil {
			return "", err
		}
		var b strings.Builder
		b.WriteString(in.about("#"))
		fmt.Fprintf(&b, "resource \"sumologic_cse_match_rule\" %q {\n", terraformName(r.Name))
		fmt.Fprintf(&b, "  name                   = %s\n", hclText(r.Name))
		fmt.Fprintf(&b, "  enabled                = %v\n", r.Enabled)
		fmt.Fprintf(&b, "  expression             = <<-E\n    %s\n  E\n", hclTemplate(r.Expression))
		for _, e := range r.Entities {
			fmt.Fprintf(&b, "  entity_selectors {\n    entity_type = %q\n    expression  = %q\n  }\n", e.Type, e.Expression)
		}
		fmt.Fprintf(&b, "  name_expression        = %s\n", hclText(r.NameExpr))
		fmt.Fprintf(&b, "  summary_expression     = %s\n", hclText(r.Summary))
		fmt.Fprintf(&b, "  description_expression = %s\n", hclText(r.Description))
		fmt.Fprintf(&b, "  severity_mapping {\n    type    = \"constant\"\n    default = %d\n  }\n", r.Score.Default)
		fmt.Fprintf(&b, "  is_prototype            = %v\n", r.Prototype)
		var tags []string
		for _, t := range r.Tags {
			tags = append(tags, hclText(t))
		}
		fmt.Fprintf(&b, "  tags                    = [%s]\n", strings.Join(tags, ", "))
		fmt.Fprintf(&b, "  suppression_window_size = %d\n}\n", r.Suppression)
		return b.String(), nil
	},
})

var notName = match.Lazy(`[^a-z0-9]+`)

// terraformName makes a resource's name of a rule's.
func terraformName(title string) string {
	s := strings.Trim(notName().ReplaceAllString(strings.ToLower(title), "_"), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "rule_" + s
	}
	return s
}

// hclTemplate keeps ${ and %{ from being read as a template.
func hclTemplate(s string) string {
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(s)
}

// hclText writes text in quotes.
func hclText(s string) string {
	return `"` + hclTemplate(strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s)) + `"`
}
