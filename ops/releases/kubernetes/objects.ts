// Describes the parts of Kubernetes' objects that the driver reads or writes. The cluster checks them whole.

export interface Metadata {
  name: string;
  uid?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string }[];
}

export interface ClusterObject {
  apiVersion: string;
  kind: string;
  metadata: Metadata;
}

export interface ObjectList<T> {
  items: T[];
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  env?: { name: string; value?: string; valueFrom?: unknown }[];
  envFrom?: unknown[];
  ports?: { name?: string; containerPort: number }[];
  [other: string]: unknown;
}

export interface PodSpec {
  containers: [Container, ...Container[]];
  [other: string]: unknown;
}

export interface PodTemplate {
  metadata: Omit<Metadata, 'name'>;
  spec: PodSpec;
}

export interface Deployment extends ClusterObject {
  spec: {
    replicas?: number;
    paused?: boolean;
    strategy?: unknown;
    selector: { matchLabels: Record<string, string> };
    template: PodTemplate;
    [other: string]: unknown;
  };
}

export interface Job extends ClusterObject {
  spec: { template: PodTemplate; [other: string]: unknown };
}

export interface ContainerStatus {
  name: string;
  restartCount: number;
  state?: {
    running?: { startedAt?: string };
    waiting?: { reason?: string; message?: string };
    terminated?: { exitCode: number; message?: string };
  };
}

export interface Pod extends ClusterObject {
  spec: PodSpec;
  status?: { phase?: string; podIP?: string; reason?: string; containerStatuses?: ContainerStatus[] };
}

export interface ConfigMap extends ClusterObject {
  data?: Record<string, string>;
}
