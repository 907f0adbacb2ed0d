import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { renderTemplate } from '../../src/metrics/template.ts'

const context = {
  name: 'podinfo',
  namespace: 'test',
  target: 'podinfo',
  service: 'web',
  ingress: 'podinfo-ingress',
  route: 'podinfo-route',
  interval: '1m',
  variables: { direction: 'inbound' },
}

function render(template: string): string {
  return renderTemplate(template, context, 'MetricTemplate/latency.test spec.query')
}

function faultOf(template: string): string {
  try {
    return `rendered ${render(template)}`
  } catch (error) {
    return String(error)
  }
}

describe('metrics/template', () => {
  it('fills in what the canary gives', () => {
    expect(render('x{ns="{{ namespace }}",p=~"{{target}}-.*",s="{{ service }}"}[{{interval}}]')).toBe(
      'x{ns="test",p=~"podinfo-.*",s="web"}[1m]',
    )
    expect(render('{{ name }} {{ ingress }} {{ route }}')).toBe('podinfo podinfo-ingress podinfo-route')
  })

  it('fills in variables, both ways to write them', () => {
    expect(render('{{ variables.direction }}')).toBe('inbound')
    expect(render('{{ index variables "direction" }}')).toBe('inbound')
  })

  it('trims white space where the action asks for it, and leaves comments and PromQL alone', () => {
    expect(render('a\n  {{- name -}}\n b')).toBe('apodinfob')
    expect(render('a {{/* why: }} */}} b')).toBe('a  b')
    expect(render('sum(rate(x{a="}"}[1m]))')).toBe('sum(rate(x{a="}"}[1m]))')
    expect(render('{{ "}}" }}{{ `{{` }}')).toBe('}}{{')
  })

  it('says where a variable is missing', () => {
    expect(faultOf('sum(\n  x{d="{{ variables.nope }}"})')).toBe(
      'MetricTemplate/latency.test spec.query:2:8: the variable "nope" is not in the metric\'s templateVariables',
    )
    expect(faultOf('{{ variables.constructor }}')).toMatch(/"constructor" is not in/)
  })

  it('refuses what it does not know, with its place, instead of running it', () => {
    expect(faultOf('{{ if name }}x{{ end }}')).toMatch(/:1:1: "\{\{ if name \}\}" is not understood/)
    expect(faultOf('a {{ name | printf "%s" }}')).toMatch(/:1:3: .* is not understood/)
    expect(faultOf('{{ name')).toMatch(/has no "\}\}"/)
    expect(faultOf('{{ constructor }}')).toMatch(/is not understood/)
  })

  it('never puts a value through the template again', () => {
    const variables = { direction: '{{ name }}' }

    expect(renderTemplate('{{ variables.direction }}', { ...context, variables }, 'x')).toBe('{{ name }}')
  })

  it('leaves text without actions as it is', () => {
    fc.assert(fc.property(fc.string(), (text) => text.includes('{{') || render(text) === text))
  })
})
