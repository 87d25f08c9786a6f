// An answer in the encoding that its client asked for. Stored objects are read in that encoding where they are kept; all other
// answers are made as JSON and converted here.
import type { ProtobufAnswers } from '../protobuf/answers';
import type { FullReply, Reply } from '../request';
import type { YamlConverter } from '../yaml/converter';
import type { Encoding } from './negotiate';

export class AnswerForms {
  constructor(
    readonly yaml: YamlConverter,
    private readonly protobuf: ProtobufAnswers,
  ) {}

  /** An answer that is not JSON stays as it is. @throws StatusError 406, TooManyRequests, Unavailable */
  encode<T extends Reply>(reply: T, encoding: Encoding): T | FullReply | Promise<T | FullReply> {
    switch (encoding) {
      case 'json':
        return reply;
      case 'yaml':
        return this.yaml.toYaml(reply);
      case 'protobuf':
        return this.protobuf.encode(reply);
    }
  }
}
