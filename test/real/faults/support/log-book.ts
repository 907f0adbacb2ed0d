import type { Logger } from '../../../../src/reconciler/ports.ts'

export interface LogLine {
  readonly level: string
  readonly code: string
  readonly text: string
  readonly canary: string
  readonly place: string
}

/** What Serin logs at the level that people run it with. */
export class LogBook {
  readonly lines: LogLine[] = []
  readonly logger: Logger = {
    debug: () => {},
    info: (fields, text) => this.note('info', fields, text),
    warn: (fields, text) => this.note('warn', fields, text),
    error: (fields, text) => this.note('error', fields, text),
  }

  /** The lines of a code, or of any code, that match; sentences about the rollout itself have no code. */
  about(code: string | RegExp, text: string | RegExp = ''): readonly LogLine[] {
    return this.lines.filter((line) => new RegExp(code).test(line.code) && new RegExp(text).test(line.text))
  }

  /** Warnings and errors that are not sentences of a rollout. */
  get complaints(): readonly LogLine[] {
    return this.lines.filter(({ level, code }) => level !== 'info' && code !== '')
  }

  clear(): void {
    this.lines.length = 0
  }

  recent(): string {
    return this.lines
      .slice(-40)
      .map(({ level, code, text, canary, place }) => `${level} ${code} ${canary} ${place} ${text}`)
      .join('\n')
  }

  private note(level: string, fields: object, text: string): void {
    const { code = '', canary = '', place = '' } = fields as { code?: string; canary?: string; place?: string }
    this.lines.push({ level, code, text, canary, place })
  }
}
