import { z } from 'zod'
import { StringMap } from './fields.ts'

/** Where alerts go; one of `address` and `secretRef` is set. */
export const AlertProviderSpec = z
  .strictObject({
    type: z.enum(['slack', 'msteams', 'discord', 'rocket', 'gchat']).describe('The kind of service.'),
    channel: z.string().optional().describe('Channel to write to; general when absent.'),
    username: z.string().optional().describe('Name to write as.'),
    address: z.string().optional().describe('Address of the incoming webhook.'),
    proxy: z.string().optional().describe('Address of an HTTP proxy.'),
    secretRef: z
      .strictObject({ name: z.string().describe('Name of the Secret.') })
      .optional()
      .describe('Secret with the keys address and, if needed, token, in the namespace of the provider.'),
  })
  .refine(({ address, secretRef }) => (address === undefined) !== (secretRef === undefined), {
    error: 'needs either address or secretRef',
  })

/** An AlertProvider, flagger.app/v1beta1. */
export const AlertProvider = z.object({
  apiVersion: z.literal('flagger.app/v1beta1'),
  kind: z.literal('AlertProvider'),
  metadata: z.looseObject({ name: z.string(), namespace: z.string(), labels: StringMap.optional() }),
  spec: AlertProviderSpec,
})
export type AlertProvider = z.infer<typeof AlertProvider>
