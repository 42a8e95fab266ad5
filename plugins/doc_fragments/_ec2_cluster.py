# Copyright (c) 2026, The urmanac.talos authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the modules about a whole cluster share. Private to urmanac.talos: may change at any time."""

from __future__ import annotations


class ModuleDocFragment:
    """The option cluster."""

    DOCUMENTATION = r"""
options:
  cluster:
    description:
      - The description of the whole cluster, as the role P(urmanac.talos.cluster#role) composes it in C(cluster_spec).
      - It is not validated here. M(urmanac.talos.ec2_preflight_info) returns its problems.
    type: dict
    required: true
    suboptions:
      name:
        description: Name of the cluster, the prefix of resource names and the value of the tag C(Cluster).
        type: str
        required: true
      project:
        description: Value of the tag C(Project), and the prefix of the names in IAM.
        type: str
        required: true
      tags:
        description: Additional tags of every resource of the cluster.
        type: dict
        default: {}
      region:
        description: The region of the cluster. It takes precedence over O(region) and the region of the environment.
        type: str
        required: true
      availability_zone:
        description: The availability zone of the subnet and of all nodes.
        type: str
        required: true
      vpc_ipv4_cidr:
        description: IPv4 network of the VPC, from C(/16) to C(/28).
        type: str
        required: true
      subnet_ipv4_cidr:
        description: IPv4 network of the one public subnet, inside O(cluster.vpc_ipv4_cidr).
        type: str
        required: true
      domain:
        description: DNS domain that DHCP assigns.
        type: str
        required: true
      bastion_ipv4:
        description: The bastion's fixed address, inside O(cluster.subnet_ipv4_cidr).
        type: str
        required: true
      instance_type:
        description: Instance type of nodes that do not set their own.
        type: str
        required: true
      volume_size:
        description: Size of the root volume in GiB, for nodes that do not set their own.
        type: int
        required: true
      data_volume_size:
        description:
          - Size in GiB of a second, encrypted volume, for nodes that do not set their own; V(0) for none.
          - It is created and deleted with its node.
        type: int
        default: 0
      cpu_credits:
        description: V(unlimited) lets burstable nodes run above their baseline for a surcharge, V(standard) throttles them.
        type: str
        required: true
      nodes_max:
        description: The maximum number of nodes.
        type: int
        required: true
      ssh_enabled:
        description: Whether the bastion may reach port 22 of the nodes.
        type: bool
        default: false
      home_schedule_enabled:
        description: Whether the IAM role with which EventBridge Scheduler closes home access at its end is part of the cluster.
        type: bool
        default: false
      access_openings:
        description:
          - The ports that home access opens.
          - M(urmanac.talos.ec2_audit_info) allows them for home networks, and M(urmanac.talos.ec2_preflight_info) counts them as rules.
        type: list
        elements: dict
        default:
          - {group: nodes, port: 6443, description: Kubernetes API from home}
          - {group: nodes, port: 50000, description: Talos API from home}
          - {group: bastion, port: 22, description: SSH from home}
        suboptions:
          group:
            description: The security group.
            type: str
            choices: [nodes, bastion]
            required: true
          port:
            description: The TCP port.
            type: int
            required: true
          description:
            description: The description of the rule, as the AWS console shows it.
            type: str
            required: true
      hours:
        description: When AWS stops and starts the cluster, also if no controller runs.
        type: dict
        default: {}
        suboptions:
          ttl:
            description:
              - The time to live in hours. At its end EventBridge Scheduler stops the nodes and the bastion; 3 to 720, or V(0) for none.
              - A run that changes the cluster renews it if less than half of it is left.
            type: float
            default: 0.0
          start:
            description: When the nodes are started each day, such as C(18:00). Without start and stop no schedule does it.
            type: str
            default: ''
          stop:
            description: When the nodes are stopped each day.
            type: str
            default: ''
          time_zone:
            description: The IANA time zone of start and stop.
            type: str
            default: Etc/UTC
      bastion:
        description: The instance through which the nodes' packets are routed. Without it, or with C(enabled) off, none is described.
        type: dict
        suboptions:
          enabled:
            description: Whether the cluster has a bastion.
            type: bool
            default: true
          instance_type:
            description: Its instance type, which must be arm64.
            type: str
            required: true
          volume_size:
            description: Size of its root volume in GiB.
            type: int
            required: true
          image:
            description: Its image, C(ami-…) or C(resolve:ssm:) with a parameter's name, which EC2 reads at each launch.
            type: str
            required: true
          egress:
            description:
              - How it reaches IPv4 addresses outside of the VPC.
              - V(public_ipv4) gives its interface an Elastic IP, billed around the clock; V(wireguard) lets it read the
                WireGuard key, V(none) does neither.
            type: str
            default: public_ipv4
          start:
            description: When it is started each day, such as C(18:00). Without start and stop it always runs.
            type: str
            default: ''
          stop:
            description: When it is stopped each day.
            type: str
            default: ''
          time_zone:
            description: The IANA time zone of start and stop.
            type: str
            default: Etc/UTC
          keep_minutes:
            description:
              - For how many minutes from now it must keep running.
              - An earlier stop is postponed once, by each run that changes the cluster; afterwards the schedule applies again.
            type: int
            default: 0
          ssh_key_name:
            description: Name of an EC2 key pair for SSH.
            type: str
            default: ''
          wireguard_parameter:
            description: >-
              Name of the SSM SecureString with the WireGuard key. The bastion may read it with V(wireguard)
              only.
            type: str
            default: ''
          login_parameters:
            description:
              - Names of the SSM SecureStrings with the logins of its registry caches, each C(USER:PASSWORD).
              - The bastion may read them.
            type: list
            elements: str
            default: []
          connection:
            description: How SSH reaches it, V(ssh) over IPv6 or V(ssm) through Session Manager.
            type: str
            default: ssh
          ssh_public_key:
            description: A public key that its user-data adds to the authorized keys, one line as in C(id_ed25519.pub).
            type: str
            default: ''
          host_key_parameter:
            description:
              - Name of the SSM SecureString with the SSH host key that every instance of the bastion installs when it
                boots.
              - If empty, each instance has its own host keys.
            type: str
            default: ''
      cost:
        description: The use for the cost forecast, and limits in US dollars; V(0) is no limit.
        type: dict
        default: {}
        suboptions:
          hours_per_day:
            description: How many hours a day the nodes run.
            type: float
            default: 24.0
          after_hours:
            description:
              - The state of the cluster outside of these hours.
              - V(stopped) keeps volumes and addresses, which are billed; V(removed) keeps nothing.
            type: str
            default: stopped
          session_hours:
            description: The duration of a session, from creation to removal.
            type: float
            default: 3.0
          transfer_gb:
            description: How many GB a month the cluster sends to the internet.
            type: float
            default: 10.0
          policy:
            description: Whether an exceeded limit is an error, V(enforce), or a note, V(warn).
            type: str
            default: warn
          per_hour_max:
            description: Maximum costs of an hour in which everything runs.
            type: float
            default: 0.0
          per_day_max:
            description: Maximum costs of a day.
            type: float
            default: 0.0
          per_month_max:
            description: Maximum costs of a month.
            type: float
            default: 0.0
          per_session_max:
            description: Maximum costs of a session.
            type: float
            default: 0.0
      nodes:
        description: The nodes, in the order in which they are created.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Name of the node, an RFC 1123 label that is unique in the cluster.
            type: str
            required: true
          role:
            description: The purpose of the node, V(gateway) or V(compute).
            type: str
            required: true
          machine_type:
            description: What the node is to Talos, V(controlplane) or V(worker).
            type: str
            required: true
          ipv4:
            description: The node's fixed address, inside O(cluster.subnet_ipv4_cidr).
            type: str
            required: true
          instance_type:
            description: Instance type of this node; without it the cluster's.
            type: str
          volume_size:
            description: Size of this node's root volume in GiB; without it the cluster's.
            type: int
          data_volume_size:
            description: Size of this node's second volume in GiB, V(0) for none; without it the cluster's.
            type: int
"""
