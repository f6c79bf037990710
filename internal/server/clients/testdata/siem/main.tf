terraform {
  required_providers {
    sumologic = { source = "SumoLogic/sumologic" }
  }
}

variable "again" {
  type    = bool
  default = false
}

resource "sumologic_cse_match_rule" "match" {
  name                   = "Rundll32 with comsvcs"
  enabled                = true
  expression             = "lower(commandLine) LIKE '%comsvcs%'"
  name_expression        = "Rundll32 with comsvcs on {{device_hostname}}"
  description_expression = "d"
  summary_expression     = "s"
  is_prototype           = false
  tags                   = ["_mitreAttackTechnique:T1003.001"]
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  severity_mapping {
    type    = "fieldValue"
    default = var.again ? 7 : 5
    field   = "normalizedSeverity"
    mapping {
      type = "eq"
      from = "1"
      to   = 3
    }
  }
}

resource "sumologic_cse_threshold_rule" "threshold" {
  name               = "Spray"
  description        = "d"
  enabled            = true
  expression         = "metadata_deviceEventId = 'Security-4625'"
  limit              = var.again ? 25 : 20
  window_size        = "T30M"
  severity           = 5
  summary_expression = "s"
  entity_selectors {
    entity_type = "_ip"
    expression  = "srcDevice_ip"
  }
}

resource "sumologic_cse_threshold_rule" "custom_window" {
  name               = "Spray in a window of its own"
  description        = "d"
  enabled            = true
  expression         = "metadata_deviceEventId = 'Security-4625'"
  limit              = 20
  window_size        = "CUSTOM"
  window_size_millis = "720000"
  severity           = 5
  summary_expression = "s"
  entity_selectors {
    entity_type = "_ip"
    expression  = "srcDevice_ip"
  }
}

resource "sumologic_cse_chain_rule" "chain" {
  name        = "Failures, then a success"
  description = "d"
  enabled     = true
  ordered     = true
  window_size = var.again ? "T60M" : "T10M"
  severity    = 6
  expressions_and_limits {
    expression = "metadata_deviceEventId = 'Security-4625'"
    limit      = 10
  }
  expressions_and_limits {
    expression = "metadata_deviceEventId = 'Security-4624'"
    limit      = 1
  }
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
  summary_expression = "s"
}

resource "sumologic_cse_aggregation_rule" "aggregation" {
  name                   = "Many tools"
  name_expression        = "Many tools"
  description_expression = "d"
  enabled                = true
  match_expression       = "array_contains(listMatches, 'recon_tools')"
  aggregation_functions {
    name      = "tools"
    function  = "count_distinct"
    arguments = ["lower(baseImage)"]
  }
  trigger_expression = var.again ? "tools > 4" : "tools > 3"
  group_by_entity    = true
  window_size        = "T10M"
  severity_mapping {
    type    = "constant"
    default = 3
  }
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
  summary_expression = "s"
}

resource "sumologic_cse_first_seen_rule" "first_seen" {
  name                   = "First address of a user"
  name_expression        = "First address"
  description_expression = "d"
  enabled                = true
  baseline_type          = "PER_ENTITY"
  baseline_window_size   = "2592000000"
  retention_window_size  = "7776000000"
  filter_expression      = "metadata_deviceEventId = 'Security-4624'"
  value_fields           = ["srcDevice_ip"]
  group_by_fields        = ["user_username"]
  severity               = var.again ? 3 : 2
  entity_selectors {
    entity_type = "_username"
    expression  = "user_username"
  }
}

resource "sumologic_cse_outlier_rule" "outlier" {
  name                   = "Long command lines"
  name_expression        = "Long command lines"
  description_expression = "d"
  enabled                = true
  match_expression       = "metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1'"
  aggregation_functions {
    name      = "current"
    function  = "max"
    arguments = ["length(commandLine)"]
  }
  window_size           = "T24H"
  baseline_window_size  = "1296000000"
  retention_window_size = "7776000000"
  group_by_fields       = ["device_hostname"]
  deviation_threshold   = 3
  floor_value           = var.again ? 4 : 3
  severity              = 3
  entity_selectors {
    entity_type = "_hostname"
    expression  = "device_hostname"
  }
}

resource "sumologic_cse_rule_tuning_expression" "tuning" {
  name        = "Not the scanner"
  description = "d"
  expression  = "srcDevice_ip != '10.0.0.5'"
  enabled     = true
  exclude     = false
  is_global   = false
  rule_ids    = [sumologic_cse_threshold_rule.threshold.id]
}

resource "sumologic_cse_custom_match_list_column" "column" {
  name   = "Command"
  fields = ["commandLine"]
}

resource "sumologic_cse_match_list" "by_name" {
  name          = "scanners"
  description   = var.again ? "more" : "d"
  default_ttl   = "0"
  target_column = "SrcIp"
  items {
    value       = "10.0.0.5"
    description = "the scanner"
    expiration  = "2037-01-01T00:00:00"
  }
  items {
    value       = var.again ? "10.0.0.7" : "10.0.0.6"
    description = "another"
    expiration  = "2037-01-01T00:00:00"
  }
}

resource "sumologic_cse_match_list" "by_column" {
  name          = "commands"
  description   = "d"
  default_ttl   = "0"
  target_column = sumologic_cse_custom_match_list_column.column.name
}

resource "sumologic_cse_custom_insight" "insight" {
  name         = "Spray, then more"
  description  = "d"
  enabled      = true
  ordered      = true
  severity     = "HIGH"
  signal_names = ["Spray", "First*"]
  tags         = ["a:b"]
}

resource "sumologic_cse_network_block" "block" {
  address_block      = "10.1.0.0/16"
  label              = var.again ? "lab" : "office"
  internal           = true
  suppresses_signals = false
}

resource "sumologic_cse_entity_criticality_config" "crown" {
  name                = "crown"
  severity_expression = var.again ? "severity + 3" : "severity + 2"
}

resource "sumologic_cse_entity_entity_group_configuration" "group" {
  criticality = "HIGH"
  description = "d"
  entity_type = "_hostname"
  name        = "controllers"
  suffix      = "dc"
  suppressed  = false
  tags        = ["tier:0"]
}

resource "sumologic_cse_insights_configuration" "settings" {
  lookback_days                    = 10
  threshold                        = var.again ? 15 : 13
  global_signal_suppression_window = 48
}

resource "sumologic_cse_insights_status" "status" {
  name        = "Waiting"
  description = "d"
}

resource "sumologic_cse_insights_resolution" "resolution" {
  name        = "Pentest"
  description = var.again ? "e" : "d"
  parent      = "FalsePositive"
}

resource "sumologic_cse_tag_schema" "schema" {
  key           = "cost"
  label         = "Cost"
  content_types = ["entity"]
  free_form     = true
  value_options {
    value = "low"
    label = "Low"
    link  = "https://wiki.example/low"
  }
}

resource "sumologic_cse_custom_entity_type" "serial" {
  name       = "Serial"
  identifier = "serial"
  fields     = ["device_uniqueId"]
}

resource "sumologic_cse_context_action" "action" {
  name              = "Look up"
  type              = "URL"
  template          = "https://wiki.example/?q={{value}}"
  ioc_types         = ["IP_ADDRESS"]
  entity_types      = ["_hostname"]
  record_fields     = ["request_url"]
  all_record_fields = false
  enabled           = true
}

data "sumologic_cse_log_mapping_vendor_product" "gateway" {
  vendor  = "Example"
  product = "Gateway"
}

resource "sumologic_cse_log_mapping" "mapping" {
  name             = "Gateway"
  product_guid     = data.sumologic_cse_log_mapping_vendor_product.gateway.guid
  record_type      = "NetworkProxy"
  enabled          = true
  relates_entities = true
  fields {
    name  = "srcDevice_ip"
    value = "client"
  }
  structured_inputs {
    event_id_pattern = "_default_"
    log_format       = "JSON"
    product          = data.sumologic_cse_log_mapping_vendor_product.gateway.product
    vendor           = data.sumologic_cse_log_mapping_vendor_product.gateway.vendor
  }
}
