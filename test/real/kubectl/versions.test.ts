import { describeVersions } from './version-stories.ts'

describeVersions()
