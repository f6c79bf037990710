package mapping

import (
	_ "embed"
	"strings"
	"sync"
)

// Tactic is a tactic of ATT&CK for enterprises.
type Tactic struct{ ID, Name, Short string }

// Tactics are in the order in which ATT&CK's matrix shows them.
// ATT&CK 19 calls Defense Evasion Stealth, and has made Defense Impairment a tactic of
// its own: the tags of rules name them so.
// Source: MITRE ATT&CK 18 (https://attack.mitre.org), identifiers and names; 19 for TA0112.
var Tactics = []Tactic{
	{"TA0043", "Reconnaissance", "reconnaissance"},
	{"TA0042", "Resource Development", "resource-development"},
	{"TA0001", "Initial Access", "initial-access"},
	{"TA0002", "Execution", "execution"},
	{"TA0003", "Persistence", "persistence"},
	{"TA0004", "Privilege Escalation", "privilege-escalation"},
	{"TA0005", "Defense Evasion", "defense-evasion"},
	{"TA0112", "Defense Impairment", "defense-impairment"},
	{"TA0006", "Credential Access", "credential-access"},
	{"TA0007", "Discovery", "discovery"},
	{"TA0008", "Lateral Movement", "lateral-movement"},
	{"TA0009", "Collection", "collection"},
	{"TA0011", "Command and Control", "command-and-control"},
	{"TA0010", "Exfiltration", "exfiltration"},
	{"TA0040", "Impact", "impact"},
}

// tacticTechniques lists the techniques of each tactic. A sub-technique that is
// not listed has the tactics of its technique.
// Source: as above.
var tacticTechniques = map[string]string{
	"TA0043": "T1589 T1590 T1591 T1592 T1593 T1594 T1595 T1596 T1597 T1598 T1681",
	"TA0042": "T1583 T1584 T1585 T1586 T1587 T1588 T1608 T1650",
	"TA0001": "T1078 T1091 T1133 T1189 T1190 T1195 T1199 T1200 T1566 T1659 T1669",
	"TA0002": "T1047 T1053 T1059 T1072 T1106 T1129 T1203 T1204 T1559 T1569 T1609 T1610 T1648 T1651 T1674 T1675 T1677",
	"TA0003": "T1037 T1053 T1078 T1098 T1112 T1133 T1136 T1137 T1176 T1197 T1205 T1505 T1525 T1542 T1542.001 T1542.002 " +
		"T1542.003 T1543 T1546 T1546.017 T1546.018 T1547 T1554 T1556 T1574 T1653 T1668 T1671",
	"TA0004": "T1037 T1053 T1055 T1068 T1078 T1098 T1134 T1484 T1543 T1546 T1546.017 T1546.018 T1547 T1548 T1548.006 T1574 " +
		"T1611",
	"TA0005": "T1006 T1014 T1027 T1036 T1055 T1070 T1078 T1112 T1127 T1134 T1140 T1197 T1202 T1205 T1207 T1211 T1216 T1218 " +
		"T1220 T1221 T1222 T1480 T1484 T1497 T1535 T1542 T1542.001 T1542.002 T1542.003 T1548 T1548.006 T1550 T1553 " +
		"T1556 T1562 T1564 T1574 T1578 T1599 T1600 T1601 T1610 T1612 T1620 T1622 T1647 T1656 T1666 T1672 T1678 T1679",
	"TA0112": "T1685 T1686 T1687 T1688 T1689 T1690",
	"TA0006": "T1003 T1040 T1056 T1110 T1111 T1187 T1212 T1528 T1539 T1552 T1555 T1556 T1557 T1558 T1606 T1621 T1649",
	"TA0007": "T1007 T1010 T1012 T1016 T1018 T1033 T1040 T1046 T1049 T1057 T1069 T1082 T1083 T1087 T1120 T1124 T1135 T1201 " +
		"T1217 T1482 T1497 T1518 T1526 T1538 T1580 T1613 T1614 T1615 T1619 T1622 T1652 T1654 T1673 T1680",
	"TA0008": "T1021 T1072 T1080 T1091 T1210 T1534 T1550 T1563 T1570",
	"TA0009": "T1005 T1025 T1039 T1056 T1074 T1113 T1114 T1115 T1119 T1123 T1125 T1185 T1213 T1530 T1557 T1560 T1602",
	"TA0011": "T1001 T1008 T1071 T1090 T1092 T1095 T1102 T1104 T1105 T1132 T1205 T1219 T1568 T1571 T1572 T1573 T1659 T1665",
	"TA0010": "T1011 T1020 T1029 T1030 T1041 T1048 T1052 T1537 T1567",
	"TA0040": "T1485 T1486 T1489 T1490 T1491 T1495 T1496 T1498 T1499 T1529 T1531 T1561 T1565 T1657 T1667",
}

var techniqueTactics = sync.OnceValue(func() map[string][]string {
	m := map[string][]string{}
	for _, t := range Tactics {
		for _, id := range strings.Fields(tacticTechniques[t.ID]) {
			m[id] = append(m[id], t.ID)
		}
	}
	return m
})

// TacticsOf lists the ids of the tactics of a technique, such as T1059.001; none
// when it is not known.
func TacticsOf(technique string) []string {
	id := strings.ToUpper(technique)
	if t, ok := techniqueTactics()[id]; ok {
		return t
	}
	parent, _, _ := strings.Cut(id, ".")
	return techniqueTactics()[parent]
}

// TechniquesOf lists the ids of a tactic's techniques, as ATT&CK has them.
func TechniquesOf(tactic string) []string { return strings.Fields(tacticTechniques[tactic]) }

// TacticNamed finds a tactic by its id, name or short name, letter case and
// underscores aside.
func TacticNamed(s string) (Tactic, bool) {
	s = strings.ReplaceAll(strings.ToLower(s), "_", "-")
	if s == "stealth" {
		s = "defense-evasion"
	}
	for _, t := range Tactics {
		if s == strings.ToLower(t.ID) || s == strings.ToLower(t.Name) || s == t.Short {
			return t, true
		}
	}
	return Tactic{}, false
}

//go:embed techniques.tsv
var techniqueNames string

var nameOfTechnique = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(techniqueNames) {
		id, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		m[id] = name
	}
	return m
})

// TechniqueName is the name of a technique by its id, such as PowerShell for T1059.001;
// "" when it is not known. Names of revoked techniques are known too.
// Source: MITRE ATT&CK 18, and 19 from T1682 on; techniques.tsv is id and name, a technique a line.
func TechniqueName(id string) string { return nameOfTechnique()[strings.ToUpper(id)] }
