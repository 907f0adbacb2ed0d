import { describeVersions } from '../../real/kubectl/version-stories.ts'

describeVersions()
