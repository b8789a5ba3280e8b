// GraphProto, NodeProto, FunctionProto and ModelProto to and from the IR.

import { create, type Message } from "@bufbuild/protobuf";
import { invalid } from "../base/errors.js";
import type { Attribute, FunctionDefinition, Graph, Initializer, Model, Node, Rest, ValueInfo } from "../ir/model.js";
import { readAttribute, writeAttribute } from "./attributes.js";
import { keep, keptOf, planOf, restore, Spelling } from "./kept.js";
import { eachApart, foreignFields } from "./parts.js";
import {
  type AttributeProto,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type StringStringEntryProto,
  TensorProtoSchema,
  type TrainingInfoProto,
  TrainingInfoProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./schema/onnx_pb.js";
import { type PayloadSink, type Payloads, readSparse, readTensor, writeSparse, writeTensor } from "./tensors.js";
import { readOpsets, readPairs, readValueInfo, writeOpsets, writePairs, writeValueInfo } from "./types.js";

const nodePlan = planOf(
  NodeProtoSchema,
  ...["input", "output", "name", "opType", "domain", "overload", "attribute", "docString", "metadataProps"],
);
const graphPlan = planOf(
  GraphProtoSchema,
  ...["node", "name", "initializer", "sparseInitializer", "docString", "input", "output", "valueInfo"],
);
const functionPlan = planOf(
  FunctionProtoSchema,
  ...["name", "domain", "overload", "docString", "input", "output", "attribute", "attributeProto", "node"],
  ...["opsetImport", "valueInfo", "metadataProps"],
);
const modelPlan = planOf(
  ModelProtoSchema,
  ...["irVersion", "opsetImport", "producerName", "producerVersion", "domain", "modelVersion", "docString", "graph"],
  ...["metadataProps", "functions", "trainingInfo"],
);
const trainingPlan = planOf(TrainingInfoProtoSchema, "initialization", "algorithm");

/** Training info is of no use to pare, but its graphs may hold tensors, and only the IR keeps tensors. */
interface Training {
  readonly initialization?: Graph;
  readonly algorithm?: Graph;
  readonly rest?: Rest;
}

const infoLists = new Spelling<ReadonlyMap<string, ValueInfo>, readonly ValueInfo[]>();

export class GraphReader {
  constructor(readonly payloads: Payloads) {}

  model(proto: ModelProto): Omit<Model, "origin"> {
    if (!proto.graph) throw invalid("not-onnx", "The file holds no graph.");
    const irVersion = Number(proto.irVersion);
    if (irVersion < 0 || irVersion > 2 ** 31)
      throw invalid("ir-version", `IR version ${proto.irVersion} is impossible.`);
    const training = proto.trainingInfo.map((info) => this.training(info));
    return {
      irVersion,
      opsets: readOpsets(proto.opsetImport),
      producerName: proto.producerName,
      producerVersion: proto.producerVersion,
      domain: proto.domain,
      modelVersion: proto.modelVersion,
      docString: proto.docString,
      metadata: readPairs(proto.metadataProps),
      graph: this.graph(proto.graph),
      functions: proto.functions.map((definition) => this.function(definition)),
      ...withRest(keep(proto, modelPlan, training.length === 0 ? {} : { extra: training })),
    };
  }

  graph(proto: GraphProto): Graph {
    return {
      name: proto.name,
      docString: proto.docString,
      inputs: proto.input.map(readValueInfo),
      outputs: proto.output.map(readValueInfo),
      valueInfo: readInfos(eachApart(proto, 13, ValueInfoProtoSchema, proto.valueInfo, readValueInfo)),
      nodes: eachApart(proto, 1, NodeProtoSchema, proto.node, (node) => this.node(node)),
      initializers: this.initializers(proto),
      ...withRest(keep(proto, graphPlan, { unknown: foreignFields(proto.$unknown) })),
    };
  }

  private initializers(proto: GraphProto): ReadonlyMap<string, Initializer> {
    const all = new Map<string, Initializer>();
    const add = ({ name, ...initializer }: Initializer & { name: string }) => {
      if (all.has(name)) {
        throw invalid("initializer-twice", `Graph "${proto.name}" has two initializers named "${name}".`, {
          node: name,
        });
      }
      all.set(name, initializer as Initializer);
    };
    eachApart(proto, 5, TensorProtoSchema, proto.initializer, (tensor) =>
      add(readTensor(tensor, this.payloads, tensor.name)),
    );
    for (const sparse of proto.sparseInitializer) {
      add(readSparse(sparse, this.payloads, sparse.values?.name ?? "a sparse initializer"));
    }
    return all;
  }

  private node(proto: NodeProto): Node {
    const where = proto.name || `${proto.opType}:${proto.output.find((name) => name !== "") ?? "?"}`;
    return {
      name: proto.name,
      opType: proto.opType,
      domain: proto.domain === "ai.onnx" ? "" : proto.domain,
      overload: proto.overload,
      inputs: proto.input,
      outputs: proto.output,
      attributes: this.attributes(proto.attribute, where),
      docString: proto.docString,
      metadata: proto.metadataProps.length === 0 ? NO_PAIRS : readPairs(proto.metadataProps),
      ...withRest(keep(proto, nodePlan, proto.domain === "ai.onnx" ? { extra: "ai.onnx" } : {})),
    };
  }

  private attributes(protos: readonly AttributeProto[], where: string): ReadonlyMap<string, Attribute> {
    if (protos.length === 0) return NO_ATTRIBUTES;
    const all = new Map<string, Attribute>();
    for (const proto of protos) {
      if (all.has(proto.name)) {
        throw invalid("attribute-twice", `Node "${where}" has two attributes named "${proto.name}".`, { node: where });
      }
      all.set(proto.name, readAttribute(proto, this, where));
    }
    return all;
  }

  private function(proto: FunctionProto): FunctionDefinition {
    return {
      name: proto.name,
      domain: proto.domain,
      overload: proto.overload,
      docString: proto.docString,
      inputs: proto.input,
      outputs: proto.output,
      attributes: proto.attribute,
      attributeDefaults: this.attributes(proto.attributeProto, `function ${proto.name}`),
      nodes: eachApart(proto, 7, NodeProtoSchema, proto.node, (node) => this.node(node)),
      opsets: readOpsets(proto.opsetImport),
      valueInfo: readInfos(proto.valueInfo.map(readValueInfo)),
      metadata: readPairs(proto.metadataProps),
      ...withRest(keep(proto, functionPlan, { unknown: foreignFields(proto.$unknown) })),
    };
  }

  private training(proto: TrainingInfoProto): Training {
    return {
      ...(proto.initialization ? { initialization: this.graph(proto.initialization) } : {}),
      ...(proto.algorithm ? { algorithm: this.graph(proto.algorithm) } : {}),
      ...withRest(keep(proto, trainingPlan)),
    };
  }
}

export class GraphWriter {
  constructor(readonly sink: PayloadSink) {}

  model(model: Model): ModelProto {
    const proto = create(ModelProtoSchema, { graph: this.graph(model.graph), opsetImport: writeOpsets(model.opsets) });
    if (model.irVersion !== 0) proto.irVersion = BigInt(model.irVersion);
    if (model.modelVersion !== 0n) proto.modelVersion = model.modelVersion;
    if (model.producerName) proto.producerName = model.producerName;
    if (model.producerVersion) proto.producerVersion = model.producerVersion;
    if (model.domain) proto.domain = model.domain;
    if (model.docString) proto.docString = model.docString;
    proto.metadataProps = writePairs(model.metadata);
    proto.functions = model.functions.map((definition) => this.function(definition));
    const training = keptOf(model.rest)?.extra as readonly Training[] | undefined;
    if (training) proto.trainingInfo = training.map((info) => this.training(info));
    return restored(proto, model.rest, modelPlan);
  }

  graph(graph: Graph): GraphProto {
    const proto = create(GraphProtoSchema);
    proto.node = graph.nodes.map((node) => this.node(node));
    proto.input = graph.inputs.map(writeValueInfo);
    proto.output = graph.outputs.map(writeValueInfo);
    proto.valueInfo = writeInfos(graph.valueInfo);
    if (graph.name) proto.name = graph.name;
    if (graph.docString) proto.docString = graph.docString;
    for (const [name, initializer] of graph.initializers) {
      if (initializer.sparse) proto.sparseInitializer.push(writeSparse(initializer, name, this.sink));
      else proto.initializer.push(writeTensor(initializer, name, this.sink, true));
    }
    return restored(proto, graph.rest, graphPlan);
  }

  private node(node: Node): NodeProto {
    const proto = create(NodeProtoSchema);
    proto.input = [...node.inputs];
    proto.output = [...node.outputs];
    if (node.name) proto.name = node.name;
    if (node.opType) proto.opType = node.opType;
    if (node.domain) proto.domain = node.domain;
    else if (keptOf(node.rest)?.extra === "ai.onnx") proto.domain = "ai.onnx";
    if (node.overload) proto.overload = node.overload;
    if (node.docString) proto.docString = node.docString;
    proto.attribute = this.attributes(node.attributes);
    if (node.metadata.size > 0) proto.metadataProps = writePairs(node.metadata);
    return restored(proto, node.rest, nodePlan);
  }

  private attributes(attributes: ReadonlyMap<string, Attribute>): AttributeProto[] {
    return Array.from(attributes, ([name, attribute]) => writeAttribute(name, attribute, this));
  }

  private function(definition: FunctionDefinition): FunctionProto {
    const proto = create(FunctionProtoSchema, {
      input: [...definition.inputs],
      output: [...definition.outputs],
      attribute: [...definition.attributes],
      attributeProto: this.attributes(definition.attributeDefaults),
      node: definition.nodes.map((node) => this.node(node)),
      opsetImport: writeOpsets(definition.opsets),
      valueInfo: writeInfos(definition.valueInfo),
      metadataProps: writePairs(definition.metadata),
    });
    if (definition.name) proto.name = definition.name;
    if (definition.domain) proto.domain = definition.domain;
    if (definition.overload) proto.overload = definition.overload;
    if (definition.docString) proto.docString = definition.docString;
    return restored(proto, definition.rest, functionPlan);
  }

  private training(info: Training): TrainingInfoProto {
    const proto = create(TrainingInfoProtoSchema);
    if (info.initialization) proto.initialization = this.graph(info.initialization);
    if (info.algorithm) proto.algorithm = this.graph(info.algorithm);
    return restored(proto, info.rest, trainingPlan);
  }
}

const NO_ATTRIBUTES: ReadonlyMap<string, Attribute> = new Map();
const NO_PAIRS: ReadonlyMap<string, string> = readPairs([] as StringStringEntryProto[]);

const withRest = (rest: Rest | undefined) => (rest === undefined ? {} : { rest });

function restored<M extends Message>(proto: M, rest: Rest | undefined, plan: ReturnType<typeof planOf>): M {
  restore(proto, rest, plan);
  return proto;
}

/** The last of two entries for one value counts, as in ONNX Runtime; both are written back. */
function readInfos(list: readonly ValueInfo[]): ReadonlyMap<string, ValueInfo> {
  const map = new Map(list.map((info) => [info.name, info]));
  return map.size === list.length ? map : infoLists.note(map, list);
}

const writeInfos = (map: ReadonlyMap<string, ValueInfo>): ValueInfoProto[] =>
  (infoLists.of(map) ?? [...map.values()]).map(writeValueInfo);
