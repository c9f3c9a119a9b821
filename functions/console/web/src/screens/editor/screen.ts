import { defineScreen } from '@/app/screen';

export default defineScreen({
  routes: [{ path: '/workflows/$workflowId', load: () => import('./index') }],
});
